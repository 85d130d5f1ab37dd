//! Where the program starts and ends, and the memory routines that the compiler calls. This file alone knows on what the
//! program runs, and the only unsafe code is here.

use core::panic::PanicInfo;

/// The status of a program that found nothing wrong.
const SUCCESS: u8 = 0;
/// That of one that did.
const FAILURE: u8 = 1;
/// That of one that panicked.
const PANIC: u8 = 101;

fn begin() -> ! {
    exit(if crate::main() { SUCCESS } else { FAILURE })
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(PANIC)
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use linux::exit;

/// Linux starts a program and is told its exit status, so that a script can see it.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use core::arch::{asm, global_asm};

    // The kernel jumps to `_start` with the stack pointer aligned to 16 bytes (System V ABI, AMD64, section 3.4.1), and
    // `call` leaves it as a function expects it.
    global_asm!(".globl _start", "_start:", "xor ebp, ebp", "call {begin}", "ud2", begin = sym super::begin);

    // Not inlined, so that a count of the program's system calls finds one.
    #[inline(never)]
    pub(super) fn exit(status: u8) -> ! {
        // SAFETY: `exit_group` (231) takes a number and does not return.
        unsafe { asm!("syscall", in("rax") 231, in("rdi") u32::from(status), options(noreturn, nostack)) }
    }

    /// What core's own code, which is compiled for unwinding too, refers to and never calls where panicking aborts.
    // SAFETY: std, which has a function of this name, is not in the program.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}

    /// # Safety
    ///
    /// As C's `memcpy`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        // SAFETY: the caller vouches for both ranges, and the direction flag is clear (System V ABI).
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") length => _,
                inout("rdi") to => _,
                inout("rsi") from => _,
                options(nostack, preserves_flags),
            );
        }
        to
    }

    /// # Safety
    ///
    /// As C's `memmove`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
        if to.addr().wrapping_sub(from.addr()) >= length {
            // SAFETY: copied upwards, no byte is overwritten that is still to be copied.
            return unsafe { memcpy(to, from, length) };
        }
        // SAFETY: copied downwards from the last byte, none is either; the direction flag is cleared again.
        unsafe {
            asm!(
                "std", "rep movsb", "cld",
                inout("rcx") length => _,
                inout("rdi") to.wrapping_add(length).wrapping_sub(1) => _,
                inout("rsi") from.wrapping_add(length).wrapping_sub(1) => _,
                options(nostack),
            );
        }
        to
    }

    /// # Safety
    ///
    /// As C's `memset`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
        let [byte, ..] = byte.to_le_bytes();
        // SAFETY: the caller vouches for the range, and the direction flag is clear.
        unsafe {
            asm!(
                "rep stosb",
                inout("rcx") length => _,
                inout("rdi") to => _,
                in("al") byte,
                options(nostack, preserves_flags),
            );
        }
        to
    }

    /// # Safety
    ///
    /// As C's `memcmp`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
        for index in 0..length {
            // SAFETY: the caller vouches for both ranges. Volatile, lest the loop be compiled to a call of itself.
            let (left, right) = unsafe { (left.add(index).read_volatile(), right.add(index).read_volatile()) };
            if left != right {
                return i32::from(left) - i32::from(right);
            }
        }
        0
    }

    /// # Safety
    ///
    /// As C's `bcmp`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
        // SAFETY: the caller's obligations are the same.
        unsafe { memcmp(left, right, length) }
    }
}

#[cfg(target_os = "none")]
use bare::exit;

/// A microcontroller starts at a vector that its vendor's crate lays out, and never ends. The memory routines come with the
/// target.
#[cfg(target_os = "none")]
mod bare {
    // SAFETY: no other symbol of this name is in the program.
    #[unsafe(no_mangle)]
    extern "C" fn _start() -> ! {
        super::begin()
    }

    pub(super) fn exit(_: u8) -> ! {
        loop {
            core::hint::spin_loop();
        }
    }
}
