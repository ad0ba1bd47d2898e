//! Engines, and modules compiled ahead of time for them.

use std::fmt;
use std::path::Path;

use wasmtime::{Config, Engine, Module};

/// What keeps a data plane from being loaded or called.
#[derive(Debug)]
pub enum Error {
    /// The module has this ABI version, and `abi::ABI_VERSION` is needed.
    Version(u32),
    /// The call named answered with this code of `abi::STATUS_*`, or refused as the ABI says.
    Refused(&'static str, u32),
    /// A trap, a module that lacks an export, or a file that is no `.cwasm` of this wasmtime and configuration.
    Runtime(wasmtime::Error),
    /// What the module wrote cannot be: an area or a packet outside of its memory.
    Wild(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Version(version) => {
                write!(
                    f,
                    "the module has ABI version {version}, this program needs {}",
                    crate::abi::ABI_VERSION
                )
            }
            Error::Refused(call, status) => write!(f, "{call} answers {status}; see its limits in the ABI"),
            Error::Runtime(error) => write!(f, "{error:?}"),
            Error::Wild(what) => write!(f, "the module names {what} outside of its memory"),
        }
    }
}

impl std::error::Error for Error {}

impl From<wasmtime::Error> for Error {
    fn from(error: wasmtime::Error) -> Self {
        Error::Runtime(error)
    }
}

/// A configured engine. A `.cwasm` file runs on the same wasmtime with the same configuration only.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) engine: Engine,
}

impl Runtime {
    /// Native code. Accesses outside of memory are caught by unmapped pages: the default reservation of 4 GiB of
    /// address space makes Cranelift leave out every check of bounds.
    pub fn native() -> Result<Self, Error> {
        Ok(Self { engine: Engine::new(&Config::new())? })
    }

    /// Native code that a call of `tick` from another thread ends with a trap once it has run through
    /// `Options::ticks` of them. Its `.cwasm` is another one than that of `native`.
    pub fn limited() -> Result<Self, Error> {
        Self::limited_by(Config::new())
    }

    /// As `limited`, to compile for machines of another kind: a target triple such as `aarch64-unknown-linux-musl`, or
    /// `pulley32` and `pulley64` for the interpreter. What it compiles uses no instruction that some of them lack.
    #[cfg(feature = "compiler")]
    pub fn limited_for(target: &str) -> Result<Self, Error> {
        let mut config = Config::new();
        config.target(target)?;
        Self::limited_by(config)
    }

    fn limited_by(mut config: Config) -> Result<Self, Error> {
        config.epoch_interruption(true);
        Ok(Self { engine: Engine::new(&config)? })
    }

    /// Counts towards the limit of all calls that run.
    pub fn tick(&self) {
        self.engine.increment_epoch();
    }

    /// The portable interpreter, for machines that Cranelift has no backend for.
    #[cfg(feature = "pulley")]
    pub fn pulley() -> Result<Self, Error> {
        Ok(Self { engine: Engine::new(&interpreted()?)? })
    }

    /// As `limited`, in the interpreter.
    #[cfg(feature = "pulley")]
    pub fn limited_pulley() -> Result<Self, Error> {
        Self::limited_by(interpreted()?)
    }

    /// The `.cwasm` octets of a module, for the processor of this machine where `self` is native.
    #[cfg(feature = "compiler")]
    pub fn precompile(&self, wasm: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.engine.precompile_module(wasm)?)
    }

    /// Maps a `.cwasm` file.
    ///
    /// # Safety
    /// The file holds machine code that is run unchecked: it must come from `precompile` (or `wasmtime compile`) and
    /// nobody else may write to it.
    pub unsafe fn load(&self, path: &Path) -> Result<Module, Error> {
        // SAFETY: the caller's promise.
        Ok(unsafe { Module::deserialize_file(&self.engine, path) }?)
    }
}

#[cfg(feature = "pulley")]
fn interpreted() -> Result<Config, Error> {
    let mut config = Config::new();
    config.target(if cfg!(target_pointer_width = "32") { "pulley32" } else { "pulley64" })?;
    Ok(config)
}
