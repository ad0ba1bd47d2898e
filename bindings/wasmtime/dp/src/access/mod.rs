//! Access links: who is there, what they say, and what control says to them (bindings/cpdp/README.md).

mod bridge;
pub mod filter;
mod frames;
mod links;
mod ports;
mod presence;
pub mod socket;
pub mod station;
mod stations;

pub use links::Links;

pub type Mac = [u8; 6];
/// Name of an interface, zero at the end.
pub type Name = [u8; 16];

/// What a name of an interface is in a record; longer ones the kernel does not have.
pub fn name_of(text: &str) -> Name {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    name
}
