#!/usr/bin/env python3
"""A client in another language, for the daemon of examples/simple.rs.

    cargo run --example simple -- server
    python3 examples/client.py print "hello"
    python3 examples/client.py add 5 3
    python3 examples/client.py push 69
    python3 examples/client.py --bare push 69

It speaks sessions: before it sends a command it compares the daemon's types with those for which it is written, and it
shows why the daemon refuses one. With --bare it speaks the bare wire, which has neither.

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


# The forms of ClientCommand and ClientResponse, for which this client is written. docs/wire.md, "Descriptions".
FORMS = [
    b"\x01\x25\x01"  # definition 1
    b"\x42\x0dClientCommand\0\0\0\0"  # an enum
    b"\x40\0\0\x24\x10\0\x0epayload"  # a variant with a text
    b"\x40\0\0\x24\x0b\x0b\0\x02a\x02b"  # a variant with two u64
    b"\x40\0\0\x24\x0b\0\x02x"  # a variant with a u64
    b"\0\x0aPrint\x06Add\x08Push\0",  # the variants' names
    b"\x01\x25\x01"
    b"\x42\x0eClientResponse\0\0\0\0"
    b"\x40\0\0\x01"  # a variant without content
    b"\x40\0\0\x24\x0b\0\x02c"
    b"\x40\0\0\x24\x0b\0\x02x"
    b"\0\x10PrintAck\x06Add\x08Push\0",
]

COMMAND, DESCRIBE, ADOPT = 0x01, 0x03, 0x04  # kinds of frames that a client sends
HELLO, RESPONSE, REFUSAL, DESCRIPTION = 0x80, 0x81, 0x83, 0x84  # and those that it receives

REASONS = {
    1: "its types have another form",
    2: "the bytes are not a command",
    3: "the command is longer than {capacity} bytes",
    4: "this user may not give the command",
    5: "the response is longer than {capacity} bytes",
    6: "the response can't be encoded",
    7: "too many clients are waiting",
    8: "the exchange took longer than the daemon's deadline",
    9: "another client needed the slot",
    10: "the daemon ends",
    11: "it does not know this kind of frame",
    12: "it speaks another version of the protocol",
    13: "the daemon dropped the caller",
    14: "the stream of responses has ended",
    15: "the daemon declines",
}


class Refused(Exception):
    """The daemon refuses, or is not the one for which this client is written."""


def connect(path, seconds=5):
    """A connection to a daemon that is our own user's or root's."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    connection.connect(path)
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    if uid not in (0, os.geteuid()):
        raise PermissionError(f"the daemon belongs to user {uid}, neither us nor root")
    return connection


def call_bare(path, message):
    """Sends one command on the bare wire and returns the response."""
    with connect(path) as connection:
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


def frame(kind, number, content):
    """A frame: the length as u24, the kind, the id, then the content."""
    return struct.pack("<II", len(content) | kind << 24, number) + content


def receive(connection, length):
    """So many bytes."""
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise ConnectionError("the daemon closed the connection without a whole frame: it may serve --bare only")
        received += piece
    return received


def receive_frame(connection, expected, expected_number):
    """The content of the frame of this kind and id; others are passed over. A refusal is raised."""
    while True:
        head, number = struct.unpack("<II", receive(connection, 8))
        kind, content = head >> 24, receive(connection, head & 0xFFFFFF)
        if kind == REFUSAL and number in (0, expected_number):
            code, executed, _zero, capacity = struct.unpack_from("<BBHI", content)
            reason = REASONS.get(code, f"for reason number {code}").format(capacity=capacity)
            text = content[8:].decode()
            was = "it was executed" if executed else "it was not executed"
            raise Refused(f"the daemon refuses: {reason}{': ' if text else ''}{text}; {was}")
        if kind == expected and number == expected_number:
            return content


def receive_description(connection, which):
    """The description of the daemon's command type (0) or of its response type (1), in as many parts as it takes."""
    description, is_last = b"", 0
    while not is_last:
        connection.sendall(frame(DESCRIBE, 1, struct.pack("<BBH", which, 0, len(description))))
        content = receive_frame(connection, DESCRIPTION, 1)
        part_of, is_last, offset = struct.unpack_from("<BBH", content)
        if (part_of, offset) != (which, len(description)):
            raise Refused("the daemon does not describe its types in order")
        description += content[4:]
    return description


def call(path, message):
    """Sends one command in a session and returns the response."""
    with connect(path) as connection:
        # Fingerprints of zero are nobody's: the daemon executes nothing before it is told that this client knows its form.
        program = b"client.py 1"
        hello = struct.pack("<BBHIQQ", 1, 0, 20 + len(program), 1016, 0, 0) + program
        connection.sendall(b"\xff\xff\xff\xff\xffipc" + hello)
        content = receive_frame(connection, HELLO, 0)
        _version, _flags, capacity, fingerprints, program = struct.unpack(f"<B3sI16s{len(content) - 24}s", content)
        if [receive_description(connection, which) for which in (0, 1)] != FORMS:
            name = program.decode(errors="replace") or "it says no name"
            raise Refused(f"the daemon ({name}) has other types than this client; nothing was sent")
        if len(message) > capacity:
            raise Refused(f"the daemon refuses: the command is longer than {capacity} bytes; it was not executed")
        connection.sendall(frame(ADOPT, 2, fingerprints) + frame(COMMAND, 3, message))
        content = receive_frame(connection, RESPONSE, 3)
        response = decode(content)
        if response is None:
            raise ValueError("the response is not whole")
        return response


def number(text):
    """A u64."""
    value = int(text)
    if not 0 <= value < 2**64:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(description="A client of the daemon with a stack of numbers.")
    parser.add_argument("--socket", default="ipc-server.sock", metavar="PATH")
    parser.add_argument("--bare", action="store_true", help="speak the bare wire")
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("print").add_argument("payload")
    add = commands.add_parser("add")
    add.add_argument("a", type=number)
    add.add_argument("b", type=number)
    commands.add_parser("push").add_argument("x", type=number)
    arguments = parser.parse_args()
    try:
        send = call_bare if arguments.bare else call
        print("received response:", send(arguments.socket, encode(arguments)))
    except (OSError, Refused, ValueError, struct.error) as error:
        sys.exit(f"client.py: {arguments.socket}: {error}")


if __name__ == "__main__":
    main()
