//! What the kernel forwards by itself, and when anything was last forwarded (bindings/cpdp/README.md).

mod conntrack;
mod flows;
mod usage;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;

use maar_module::abi;

pub use flows::Delivered;

use crate::audience::Audience;
use crate::options::Options;
use crate::plane::Plane;
use crate::sys::entry;
use crate::{cpdp, log};
use flows::Flows;
use usage::Native;

pub struct Traffic {
    flows: Flows,
    native: Native,
    /// Number of the question that the list of connections is read for, and what the module has answered.
    current: Option<(u64, Vec<u8>)>,
    questions: VecDeque<u64>,
}

impl Traffic {
    pub fn open(options: &Options) -> io::Result<Self> {
        let (flows, native) = (Flows::open(options.pool)?, Native::open()?);
        Ok(Self { flows, native, current: None, questions: VecDeque::new() })
    }

    /// Adds what `turn` wants to hear of.
    pub fn poll(&self, polled: &mut Vec<libc::pollfd>) {
        polled.push(entry(self.flows.as_raw_fd()));
        polled.push(entry(self.native.as_raw_fd()));
    }

    /// Takes what has come by `now` (milliseconds); `polled` is what `poll` added.
    pub fn turn(&mut self, polled: &[libc::pollfd], plane: &mut Plane, now: u64, control: &mut Audience) {
        let [flows, native] = polled else { return };
        if flows.revents != 0 {
            let records = self.flows.read(&plane.delivered, now);
            for part in records.chunks(abi::LIMIT_EVENTS as usize * abi::EVENT_SIZE) {
                if !control.tell(cpdp::KIND_EVENT, part) {
                    control.lose((part.len() / abi::EVENT_SIZE) as u64);
                }
            }
        }
        let Some(pairs) = (native.revents != 0).then(|| self.native.read(now)).flatten() else { return };
        if let Some((number, mut uses)) = self.current.take() {
            uses.extend(pairs);
            control.answer(cpdp::KIND_USAGE, number, uses, cpdp::USE_SIZE);
        }
        while let Some(number) = self.questions.pop_front() {
            let Some(uses) = self.ask(number, plane, now) else { return };
            control.answer(cpdp::KIND_USAGE, number, uses, cpdp::USE_SIZE);
        }
    }

    /// Begins the answer to `usage`, which `turn` gives; the whole answer where the kernel lists nothing.
    pub fn ask(&mut self, number: u64, plane: &mut Plane, now: u64) -> Option<Vec<u8>> {
        if self.native.busy() {
            self.questions.push_back(number);
            return None;
        }
        let uses = usage::of_module(plane, now);
        match self.native.begin() {
            Ok(()) => {
                self.current = Some((number, uses));
                None
            }
            Err(error) => {
                log::line(log::ERROR, &format!("list of connections: {error}"));
                Some(uses)
            }
        }
    }

    /// Questions that wait for an answer.
    pub fn asked(&self) -> usize {
        self.questions.len() + usize::from(self.current.is_some())
    }

    /// Another control has come: it has asked nothing yet.
    pub fn greeted(&mut self) {
        self.current = None;
        self.questions.clear();
    }
}
