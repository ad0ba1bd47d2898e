//! Without control: entries outlive it by what its greeting said, and no longer.

use std::time::{Duration, Instant};

use crate::router::Router;
use crate::{log, sys};

/// Since when there is no control, and how long the last one wanted its entries kept.
#[derive(Default)]
pub struct Headless {
    /// None: until control is back.
    lifetime: Option<Duration>,
    since: Option<Instant>,
}

impl Headless {
    /// Control has come, and says how many milliseconds its entries outlive it; 0: until it is back.
    pub fn greeted(&mut self, lifetime: u32) {
        self.lifetime = Some(Duration::from_millis(lifetime.into())).filter(|lifetime| !lifetime.is_zero());
        self.since = None;
    }

    /// Control has gone.
    pub fn left(&mut self) {
        self.since = Some(Instant::now());
    }

    fn remaining(&self) -> Option<Duration> {
        Some(self.lifetime?.saturating_sub(self.since?.elapsed()))
    }
}

impl Router {
    /// How long until `expire` has something to do.
    pub fn expiry(&self) -> Option<Duration> {
        self.memory.headless.remaining()
    }

    /// Has all entries deleted once control has been away for too long. From then on this is an agent like one that has just
    /// started, so that no control takes entries for given.
    pub fn expire(&mut self) {
        if self.expiry() != Some(Duration::ZERO) {
            return;
        }
        log::line(log::NOTICE, &format!("control stays away: {} entries end", self.plane.journal.len()));
        self.plane.journal.begin();
        self.plane.journal.end();
        self.memory.headless = Headless::default();
        self.memory.boot = sys::random();
        self.memory.generation = 0;
        self.memory.statuses.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_only_without_control() {
        let mut headless = Headless::default();
        headless.left();
        assert_eq!(headless.remaining(), None, "nobody has promised anything");
        headless.greeted(60_000);
        assert_eq!(headless.remaining(), None);
        headless.left();
        assert!(headless.remaining().is_some_and(|left| left > Duration::from_secs(59)));
        headless.greeted(0);
        headless.left();
        assert_eq!(headless.remaining(), None, "until control is back");
        headless.greeted(1);
        headless.left();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(headless.remaining(), Some(Duration::ZERO));
    }
}
