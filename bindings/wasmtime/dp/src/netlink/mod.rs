//! Requests to the kernel's routing and netfilter, and what it tells of changes (RFC 3549).

pub mod link;
pub mod message;
pub mod socket;
