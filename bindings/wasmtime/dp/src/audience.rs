//! Control as those see it who have something to tell.

use crate::session::{Session, tell};

/// Whom to tell what nobody has asked for.
pub struct Audience<'a> {
    session: Option<&'a mut Session>,
    lost: &'a mut u64,
}

impl<'a> Audience<'a> {
    /// `lost` counts messages that were for it and are lost.
    pub fn new(session: Option<&'a mut Session>, lost: &'a mut u64) -> Self {
        Self { session, lost }
    }

    pub fn is_there(&self) -> bool {
        self.session.is_some()
    }

    /// Whether it was told; not where none is there or too much waits for it already.
    pub fn tell(&mut self, kind: u32, body: &[u8]) -> bool {
        tell(self.session.as_deref_mut(), kind, *self.lost, body)
    }

    pub fn lose(&mut self, messages: u64) {
        *self.lost += messages;
    }

    /// Tells, or counts the message as lost.
    pub fn tell_or_lose(&mut self, kind: u32, body: &[u8]) {
        if !self.tell(kind, body) {
            self.lose(1);
        }
    }
}
