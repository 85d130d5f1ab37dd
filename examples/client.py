#!/usr/bin/env python3
"""A client in another language, for the daemon of examples/simple.rs.

    cargo run --example simple -- server
    python3 examples/client.py print "hello"
    python3 examples/client.py add 5 3
    python3 examples/client.py push 69

It needs nothing but the standard library. docs/wire.md describes what is sent.
The exit status is 0 with a response, 1 without one, 2 if the command line is wrong.
"""

import argparse
import os
import socket
import struct
import sys

PRINT, ADD, PUSH = 0, 1, 2  # the variants of ClientCommand and of ClientResponse, in order


def encode(command):
    """The bytes of a ClientCommand: the variant's index as u32, then its fields, all little-endian."""
    if command.name == "print":
        text = command.payload.encode()
        return struct.pack("<IQ", PRINT, len(text)) + text
    if command.name == "add":
        return struct.pack("<IQQ", ADD, command.a, command.b)
    return struct.pack("<IQ", PUSH, command.x)


def decode(received):
    """The ClientResponse at the start of `received`; None if more bytes are needed."""
    if len(received) < 4:
        return None
    (variant,) = struct.unpack_from("<I", received)
    if variant == PRINT:
        return "PrintAck"
    if variant not in (ADD, PUSH):
        raise ValueError(f"a response has no variant {variant}")
    if len(received) < 12:
        return None
    (number,) = struct.unpack_from("<Q", received, 4)
    return f"Add {{ c: {number} }}" if variant == ADD else f"Push {{ x: {number} }}"


def call(path, message, seconds=5):
    """Sends one command and returns the response."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(path)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _pid, uid, _gid = struct.unpack("3i", credentials)
        if uid not in (0, os.geteuid()):
            raise PermissionError(f"the daemon belongs to user {uid}, neither us nor root")
        connection.sendall(message)
        received = b""
        while True:
            response = decode(received)
            if response is not None:
                return response
            piece = connection.recv(1024)
            if not piece:
                raise ConnectionError("the daemon closed the connection without a whole response")
            received += piece


def number(text):
    """A u64."""
    value = int(text)
    if not 0 <= value < 2**64:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(description="A client of the daemon with a stack of numbers.")
    parser.add_argument("--socket", default="ipc-server.sock", metavar="PATH")
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("print").add_argument("payload")
    add = commands.add_parser("add")
    add.add_argument("a", type=number)
    add.add_argument("b", type=number)
    commands.add_parser("push").add_argument("x", type=number)
    arguments = parser.parse_args()
    try:
        print("received response:", call(arguments.socket, encode(arguments)))
    except (OSError, ValueError) as error:
        sys.exit(f"client.py: {arguments.socket}: {error}")


if __name__ == "__main__":
    main()
