//! Lines to standard error, or to syslog once `use_syslog` was called.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

pub const ERROR: i32 = libc::LOG_ERR;
pub const NOTICE: i32 = libc::LOG_NOTICE;

static SYSLOG: AtomicBool = AtomicBool::new(false);

pub fn use_syslog() {
    // SAFETY: the name lives for ever, as openlog wants it.
    unsafe { libc::openlog(c"maar-dp".as_ptr(), libc::LOG_PID, libc::LOG_DAEMON) };
    SYSLOG.store(true, Ordering::Relaxed);
}

pub fn line(priority: i32, text: &str) {
    if !SYSLOG.load(Ordering::Relaxed) {
        eprintln!("maar-dp: {text}");
        return;
    }
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    // SAFETY: both are C strings, and the format takes one.
    unsafe { libc::syslog(priority, c"%s".as_ptr(), text.as_ptr()) };
}
