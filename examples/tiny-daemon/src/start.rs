//! What a C library would do: the entry point, the two system calls that the daemon makes itself, and the memory routines
//! that the compiler calls. All of the program's unsafe code is here.

use core::arch::{asm, naked_asm};
use core::ffi::CStr;
use core::panic::PanicInfo;

use ipc_server::ServerBuffers;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("the entry point is written for Linux on x86_64");

/// Where the kernel starts the program, with the argument count on top of the stack (System V ABI, AMD64, section 3.4).
///
/// # Safety
///
/// Only the kernel may call it.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2", begin = sym begin)
}

/// In the program's zeroed memory, of which only what is used becomes resident.
static mut BUFFERS: ServerBuffers = ServerBuffers::new();

/// # Safety
///
/// `stack` is the stack pointer at the program's start.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: the kernel puts the argument count at `stack` and behind it as many pointers to arguments, then a null.
    let (count, path) = unsafe { (*stack, *stack.add(2).cast::<*const core::ffi::c_char>()) };
    if count != 2 {
        Output.line(&["usage: tiny-daemon PATH"]);
        exit(64);
    }
    // SAFETY: the kernel's arguments end with a NUL and live as long as the program.
    let path = unsafe { CStr::from_ptr(path) };
    // SAFETY: the program has one thread, and its start is the only place that names them.
    #[expect(clippy::deref_addrof, reason = "a reference to a mutable static is made by way of a pointer")]
    let buffers = unsafe { &mut *(&raw mut BUFFERS) };
    exit(crate::main(path, buffers))
}

/// The standard output.
pub struct Output;

impl Output {
    /// Writes a line. Errors are ignored, as there is nobody to tell.
    pub fn line(self, parts: &[&str]) {
        for part in parts.iter().chain(&["\n"]) {
            // SAFETY: `write` (1) reads `part.len()` bytes at `part`.
            unsafe { system_call(1, 1, part.as_ptr() as usize, part.len()) };
        }
    }
}

/// Ends the program.
pub fn exit(status: u8) -> ! {
    // SAFETY: `exit_group` (231) takes a number and does not return.
    unsafe { system_call(231, status.into(), 0, 0) };
    loop {
        core::hint::spin_loop();
    }
}

/// # Safety
///
/// The arguments must be what the system call of that number takes.
unsafe fn system_call(number: usize, first: usize, second: usize, third: usize) -> usize {
    let result;
    // SAFETY: the caller's arguments are right, and the kernel changes no registers but these.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(70)
}

/// # Safety
///
/// As C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both ranges; the direction flag is clear (System V ABI).
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
    }
    to
}

/// # Safety
///
/// As C's `memmove`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= length {
        // SAFETY: copying upwards overwrites no byte that is still to be copied.
        return unsafe { memcpy(to, from, length) };
    }
    // SAFETY: copying downwards, from the last byte, overwrites none either; the direction flag is cleared again.
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
    // SAFETY: the caller vouches for the range; the direction flag is clear.
    unsafe {
        asm!("rep stosb", inout("rcx") length => _, inout("rdi") to => _, in("al") byte as u8, options(nostack, preserves_flags));
    }
    to
}

/// # Safety
///
/// As C's `memcmp`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    for index in 0..length {
        // SAFETY: the caller vouches for both ranges. Volatile, so that the loop is not compiled to a call of itself.
        let (left, right) = unsafe { (left.add(index).read_volatile(), right.add(index).read_volatile()) };
        if left != right {
            return i32::from(left) - i32::from(right);
        }
    }
    0
}

/// # Safety
///
/// As C's `strlen`.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the caller vouches for every byte up to the NUL. Volatile for the same reason.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}

/// # Safety
///
/// As C's `bcmp`.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's obligations are the same.
    unsafe { memcmp(left, right, length) }
}
