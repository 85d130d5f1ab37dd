//! How much of its stack a function uses.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;

#[repr(align(4096))]
#[derive(Clone, Copy)]
struct Page([u8; 4096]);

const PAINT: u8 = 0xa5;

/// Runs `function` in a thread whose stack is painted before. Returns how many bytes below its caller's frame it touched.
pub(crate) fn used_by(function: fn()) -> usize {
    struct Call {
        function: fn(),
        top: usize,
    }
    extern "C" fn entry(call: *mut c_void) -> *mut c_void {
        let here = 0_u8;
        // SAFETY: it is the `Call` below, which outlives the thread and is not looked at before it has ended.
        let call = unsafe { &mut *call.cast::<Call>() };
        call.top = std::hint::black_box(&raw const here) as usize;
        (call.function)();
        ptr::null_mut()
    }

    let mut stack = vec![Page([PAINT; 4096]); 64];
    let mut call = Call { function, top: 0 };
    let (mut attributes, mut thread) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the attributes are initialized before they are used, and the stack lives until the thread is joined.
    unsafe {
        assert_eq!(libc::pthread_attr_init(attributes.as_mut_ptr()), 0);
        let size = size_of_val(stack.as_slice());
        assert_eq!(libc::pthread_attr_setstack(attributes.as_mut_ptr(), stack.as_mut_ptr().cast(), size), 0);
        let call = (&raw mut call).cast();
        assert_eq!(libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), entry, call), 0);
        assert_eq!(libc::pthread_join(thread.assume_init(), ptr::null_mut()), 0);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    let untouched = stack.iter().flat_map(|page| page.0).take_while(|&byte| byte == PAINT).count();
    call.top - (stack.as_ptr() as usize + untouched)
}
