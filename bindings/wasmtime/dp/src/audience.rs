//! Control as those see it who have something to tell.

use crate::cpdp;
use crate::session::{Session, tell};

/// Octets that may wait for control to read them, past which frames are lost.
const SHOWN_MAX: usize = cpdp::QUEUE_MAX as usize / 2;

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

    /// Answers a question with records of `size` octets; whoever asked may have gone.
    pub fn answer(&mut self, kind: u32, number: u64, records: Vec<u8>, size: usize) {
        if let Some(session) = &mut self.session {
            session.give(kind, number, records, size);
        }
    }

    pub fn lose(&mut self, messages: u64) {
        *self.lost += messages;
    }

    /// Tells what a station has said, or counts it as lost: no station can fill the whole queue, and so keep from
    /// control what else there is to tell.
    pub fn show(&mut self, kind: u32, body: &[u8]) {
        let full = |session: &&mut Session| session.queued() + body.len() > SHOWN_MAX;
        if self.session.as_ref().is_some_and(full) || !self.tell(kind, body) {
            self.lose(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::greeted;

    #[test]
    fn frames_leave_room_for_events() {
        let (mut session, _control) = greeted();
        let (mut lost, frame) = (0, [0; 1500]);
        let mut audience = Audience::new(Some(&mut session), &mut lost);
        for _ in 0..1000 {
            audience.show(cpdp::KIND_FRAME_IN, &frame);
        }
        let events = (0..10_000).take_while(|_| audience.tell(cpdp::KIND_EVENT, &[0; 64])).count();
        assert!(events >= SHOWN_MAX / 2 / 64, "{events} events");
        let shown = SHOWN_MAX / (frame.len() + cpdp::HEADER_SIZE);
        assert_eq!(lost, 1000 - shown as u64);
    }

    #[test]
    fn without_control_frames_are_lost() {
        let mut lost = 0;
        Audience::new(None, &mut lost).show(cpdp::KIND_FRAME_IN, &[0; 60]);
        assert_eq!(lost, 1);
    }
}
