//! The data plane with what outlives one instance: a trap ends the instance, and the next one gets all entries again.

use std::time::{Duration, Instant};

use maar_module::{DataPlane, Error, Module, Options, Runtime, abi};

use crate::journal::{Journal, Record};
use crate::log;
use crate::traffic::Delivered;

/// Instances are made at most this often: a module that always traps costs no more than this.
const APART: Duration = Duration::from_secs(1);

pub struct Plane {
    runtime: Runtime,
    module: Module,
    options: Options,
    instance: Option<DataPlane>,
    made: Instant,
    pub journal: Journal,
    pub delivered: Delivered,
    pub rebuilds: u64,
}

impl Plane {
    pub fn new(runtime: Runtime, module: Module, options: Options) -> Result<Self, Error> {
        let instance = Some(make(&runtime, &module, &options)?);
        let made = Instant::now();
        Ok(Self {
            runtime,
            module,
            options,
            instance,
            made,
            journal: Journal::default(),
            delivered: Delivered::default(),
            rebuilds: 0,
        })
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The instance, if there is one just now.
    pub fn instance(&mut self) -> Option<&mut DataPlane> {
        self.instance.as_mut()
    }

    /// What `call` makes of the instance. Where it fails (a trap, an answer that cannot be) the instance is done with,
    /// and there is no result; nor is there between two instances.
    pub fn guard<T>(&mut self, call: impl FnOnce(&mut DataPlane) -> Result<T, Error>) -> Option<T> {
        match call(self.instance.as_mut()?) {
            Ok(result) => Some(result),
            Err(error) => {
                log::line(log::ERROR, &format!("the data plane failed: {error}"));
                self.instance = None;
                None
            }
        }
    }

    /// How long until `revive` would make an instance; none where there is one.
    pub fn revival(&self) -> Option<Duration> {
        self.instance.is_none().then(|| APART.saturating_sub(self.made.elapsed()))
    }

    /// Makes a new instance where there is none and it is time, with all entries.
    pub fn revive(&mut self) {
        if self.revival() != Some(Duration::ZERO) {
            return;
        }
        self.made = Instant::now();
        self.rebuilds += 1;
        match make(&self.runtime, &self.module, &self.options) {
            Ok(instance) => self.instance = Some(instance),
            Err(error) => return log::line(log::ERROR, &format!("no new instance: {error}")),
        }
        let records = self.journal.records();
        for part in records.chunks(abi::LIMIT_COMMANDS as usize) {
            let Some(statuses) = self.guard(|plane| carry_out(plane, part)) else { return };
            let refused = statuses.iter().filter(|&&status| u32::from(status) != abi::STATUS_OK).count();
            if refused > 0 {
                log::line(log::ERROR, &format!("{refused} entries do not fit into the new instance"));
            }
        }
        log::line(log::NOTICE, &format!("a new instance has {} entries", records.len()));
    }

    /// Gives the records of a table's area, of `size` octets each, to `take`; empty ones are among them.
    pub fn list(&mut self, area: u32, size: usize, mut take: impl FnMut(&[u8])) {
        let mut from = 0;
        while let Some(next) = self.guard(|instance| {
            let next = instance.entries(area, from)?;
            let listing = instance.base(abi::AREA_LISTING);
            instance.memory()[listing..][..abi::LIMIT_LISTING as usize * size]
                .chunks_exact(size)
                .for_each(&mut take);
            Ok(next)
        }) {
            if next == abi::NONE {
                return;
            }
            from = next;
        }
    }

    /// Carries out commands in order; their statuses, or none where the instance fails.
    pub fn apply(&mut self, records: &[Record]) -> Option<Vec<u8>> {
        let mut statuses = Vec::with_capacity(records.len());
        for part in records.chunks(abi::LIMIT_COMMANDS as usize) {
            let answers = self.guard(|plane| carry_out(plane, part))?;
            for (record, &status) in part.iter().zip(&answers) {
                if u32::from(status) == abi::STATUS_OK {
                    self.journal.done(record);
                    self.delivered.done(record);
                }
            }
            statuses.extend(answers);
        }
        Some(statuses)
    }
}

fn make(runtime: &Runtime, module: &Module, options: &Options) -> Result<DataPlane, Error> {
    DataPlane::new(runtime, module, options)
}

fn carry_out(plane: &mut DataPlane, records: &[Record]) -> Result<Vec<u8>, Error> {
    let area = plane.base(abi::AREA_COMMANDS);
    plane.memory_mut()[area..][..records.len() * abi::COMMAND_SIZE].copy_from_slice(records.as_flattened());
    plane.apply(records.len() as u32)?;
    let written = &plane.memory()[area..][..records.len() * abi::COMMAND_SIZE];
    Ok(written.chunks_exact(abi::COMMAND_SIZE).map(|record| record[abi::COMMAND_STATUS_AT]).collect())
}
