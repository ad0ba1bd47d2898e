//! The command line.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use maar_module::abi;

pub const USAGE: &str = "\
usage: maar-dp --module FILE.cwasm --locator ADDRESS --core-tun NAME --control SOCKET
               [--access LINK:TUN:INTERFACE]... [--core-mtu 1500] [--bindings 1024]
               [--user NAME] [--syslog]";

const BINDINGS: u32 = 1024;
const HELD_MAX: u32 = 4096;

pub struct Access {
    pub link: u8,
    pub tun: String,
    pub interface: String,
}

pub struct Options {
    pub module: PathBuf,
    pub locator: Ipv6Addr,
    pub core_tun: String,
    pub control: PathBuf,
    pub access: Vec<Access>,
    pub core_mtu: u32,
    /// Stations that the tables have room for.
    pub bindings: u32,
    pub user: Option<String>,
    pub syslog: bool,
}

/// The options of a command line, or what is wrong with it.
pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let (mut module, mut locator, mut core_tun, mut control) = (None, None, None, None);
    let (mut access, mut core_mtu, mut bindings, mut user, mut syslog) =
        (Vec::new(), abi::LIMIT_MTU_MIN.max(1500), BINDINGS, None, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} takes a value"));
        match word.as_str() {
            "--module" => module = Some(PathBuf::from(value()?)),
            "--locator" => locator = Some(parsed::<Ipv6Addr>(&word, &value()?)?),
            "--core-tun" => core_tun = Some(value()?),
            "--control" => control = Some(PathBuf::from(value()?)),
            "--access" => access.push(access_of(&value()?)?),
            "--core-mtu" => core_mtu = parsed(&word, &value()?)?,
            "--bindings" => bindings = parsed(&word, &value()?)?,
            "--user" => user = Some(value()?),
            "--syslog" => syslog = true,
            _ => return Err(format!("unknown word {word}")),
        }
    }
    if !(1..=abi::LIMIT_DESTINATIONS_MAX).contains(&bindings) {
        return Err(format!("--bindings takes 1 to {}", abi::LIMIT_DESTINATIONS_MAX));
    }
    let missing = |name: &str| format!("{name} is missing");
    Ok(Options {
        module: module.ok_or_else(|| missing("--module"))?,
        locator: locator.ok_or_else(|| missing("--locator"))?,
        core_tun: core_tun.ok_or_else(|| missing("--core-tun"))?,
        control: control.ok_or_else(|| missing("--control"))?,
        access,
        core_mtu,
        bindings,
        user,
        syslog,
    })
}

impl Options {
    pub fn capacities(&self) -> maar_module::Capacities {
        maar_module::Capacities {
            batch: 64,
            destinations: self.bindings,
            sources: self.bindings,
            peers: self.bindings.min(BINDINGS),
            flows: self.bindings.saturating_mul(4).min(abi::LIMIT_FLOWS_MAX),
            held: self.bindings.min(HELD_MAX),
            flow_entries: self.bindings.min(abi::LIMIT_FLOW_ENTRIES_MAX),
        }
    }
}

fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name} {text} cannot be read"))
}

fn access_of(text: &str) -> Result<Access, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [link, tun, interface] = parts[..] else {
        return Err(format!("--access {text} is not LINK:TUN:INTERFACE"));
    };
    match link.parse() {
        Ok(link) if u32::from(link) < abi::PORT_CORE => {
            Ok(Access { link, tun: tun.into(), interface: interface.into() })
        }
        _ => Err(format!("access link {link} is not within 0 to {}", abi::PORT_CORE - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Options, String> {
        parse(line.split(' ').map(String::from))
    }

    const LEAST: &str = "--module m --locator 2001:db8::1 --core-tun t --control c";

    #[test]
    fn the_least_command_line_has_defaults() {
        let options = of(LEAST).unwrap();
        assert_eq!((options.core_mtu, options.bindings, options.syslog), (1500, 1024, false));
    }

    #[test]
    fn access_links_have_number_device_and_interface() {
        let options = of(&format!("{LEAST} --access 3:maar3:wlan0")).unwrap();
        let access = &options.access[0];
        assert_eq!((access.link, &access.tun[..], &access.interface[..]), (3, "maar3", "wlan0"));
    }

    #[test]
    fn faults_are_named() {
        for (line, fault) in [
            ("--module m", "--locator is missing"),
            (&format!("{LEAST} --access 255:t:i"), "access link 255 is not within 0 to 254"),
            (&format!("{LEAST} --access 1:t"), "--access 1:t is not LINK:TUN:INTERFACE"),
            (&format!("{LEAST} --bindings 0"), "--bindings takes 1 to 1048576"),
            (&format!("{LEAST} --core-mtu"), "--core-mtu takes a value"),
            (&format!("{LEAST} --core-mtu x"), "--core-mtu x cannot be read"),
            (&format!("{LEAST} --fast"), "unknown word --fast"),
        ] {
            assert_eq!(of(line).err().as_deref(), Some(fault));
        }
    }
}
