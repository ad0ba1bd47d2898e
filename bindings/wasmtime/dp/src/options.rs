//! The command line.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use maar_module::abi;

pub const USAGE: &str = "\
usage: maar-dp --module FILE.cwasm --locator ADDRESS --pool PREFIX --control LISTEN
               [--access LINK=INTERFACE,LINK-LOCAL,MAC]... [--name NAME] [--state DIRECTORY]
               [--core-tun maar0] [--core-mtu 1500] [--clamp-mss] [--activity] [--bindings 1024]
               [--stations SOCKET] [--user NAME] [--syslog]
LISTEN is unix:SOCKET, tls:[ADDRESS]:PORT with --certificate FILE --key FILE --authority FILE,
or, for laboratories, tcp:[ADDRESS]:PORT, which anybody can speak to.";

const BINDINGS: u32 = 1024;
const HELD_MAX: u32 = 4096;
/// Linux takes names of interfaces up to this long; the TUN device of a link has the core's name and three digits more.
const NAME_MAX: usize = 15;

#[derive(Debug, PartialEq)]
pub struct Access {
    pub link: u8,
    pub interface: String,
    /// Which all access links of the domain share, as the MAC.
    pub link_local: Ipv6Addr,
    pub mac: [u8; 6],
}

#[derive(Debug, PartialEq)]
pub enum Listen {
    Unix(PathBuf),
    Tcp(SocketAddr),
    Tls { address: SocketAddr, files: Files },
}

/// In PEM: this agent's certificate with those between it and the authority, its key, and the authority of control's.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

pub struct Options {
    pub module: PathBuf,
    pub locator: Ipv6Addr,
    /// Where stations' own addresses are from: prefix and its length.
    pub pool: (Ipv6Addr, u8),
    pub control: Listen,
    pub access: Vec<Access>,
    /// Of the nftables table.
    pub name: String,
    /// Where it is written down what the kernel is to be put back to.
    pub state: PathBuf,
    pub core_tun: String,
    pub core_mtu: u32,
    pub clamp_mss: bool,
    /// Whether packets of each station are counted.
    pub activity: bool,
    /// Stations that the tables have room for.
    pub bindings: u32,
    /// Socket on which the link layer's programs tell of stations.
    pub stations: Option<PathBuf>,
    pub user: Option<String>,
    pub syslog: bool,
}

/// The options of a command line, or what is wrong with it.
pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let (mut module, mut locator, mut pool, mut control) = (None, None, None, None);
    let (mut certificate, mut key, mut authority) = (None, None, None);
    let mut options = Options {
        module: PathBuf::new(),
        locator: Ipv6Addr::UNSPECIFIED,
        pool: (Ipv6Addr::UNSPECIFIED, 0),
        control: Listen::Unix(PathBuf::new()),
        access: Vec::new(),
        name: "router".into(),
        state: "/var/lib/maar".into(),
        core_tun: "maar0".into(),
        core_mtu: 1500,
        clamp_mss: false,
        activity: false,
        bindings: BINDINGS,
        stations: None,
        user: None,
        syslog: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} takes a value"));
        match word.as_str() {
            "--module" => module = Some(PathBuf::from(value()?)),
            "--locator" => locator = Some(parsed::<Ipv6Addr>(&word, &value()?)?),
            "--pool" => pool = Some(prefix_of(&value()?)?),
            "--control" => control = Some(value()?),
            "--certificate" => certificate = Some(PathBuf::from(value()?)),
            "--key" => key = Some(PathBuf::from(value()?)),
            "--authority" => authority = Some(PathBuf::from(value()?)),
            "--access" => options.access.push(access_of(&value()?)?),
            "--name" => options.name = value()?,
            "--state" => options.state = value()?.into(),
            "--core-tun" => options.core_tun = value()?,
            "--core-mtu" => options.core_mtu = parsed(&word, &value()?)?,
            "--clamp-mss" => options.clamp_mss = true,
            "--activity" => options.activity = true,
            "--bindings" => options.bindings = parsed(&word, &value()?)?,
            "--stations" => options.stations = Some(value()?.into()),
            "--user" => options.user = Some(value()?),
            "--syslog" => options.syslog = true,
            _ => return Err(format!("unknown word {word}")),
        }
    }
    let missing = |name: &str| format!("{name} is missing");
    options.module = module.ok_or_else(|| missing("--module"))?;
    options.locator = locator.ok_or_else(|| missing("--locator"))?;
    options.pool = pool.ok_or_else(|| missing("--pool"))?;
    let control = control.ok_or_else(|| missing("--control"))?;
    options.control = listen_of(&control, certificate, key, authority)?;
    check(options)
}

fn check(options: Options) -> Result<Options, String> {
    if !(1..=abi::LIMIT_DESTINATIONS_MAX).contains(&options.bindings) {
        return Err(format!("--bindings takes 1 to {}", abi::LIMIT_DESTINATIONS_MAX));
    }
    if !(abi::LIMIT_MTU_MIN..=abi::LIMIT_MTU_MAX).contains(&options.core_mtu) {
        return Err(format!("--core-mtu takes {} to {}", abi::LIMIT_MTU_MIN, abi::LIMIT_MTU_MAX));
    }
    let name_max = NAME_MAX - "a254".len();
    if options.core_tun.is_empty() || options.core_tun.len() > name_max {
        return Err(format!("--core-tun takes a name of 1 to {name_max} letters"));
    }
    if options.name.is_empty() || !options.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(format!("--name {} has other than letters, digits and _", options.name));
    }
    for (index, access) in options.access.iter().enumerate() {
        let before = &options.access[..index];
        if before.iter().any(|other| other.link == access.link || other.interface == access.interface) {
            return Err(format!("--access names link {} or {} twice", access.link, access.interface));
        }
    }
    Ok(options)
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

    /// Name of the TUN device that takes what stations of a link send.
    pub fn access_tun(&self, link: u8) -> String {
        format!("{}a{link}", self.core_tun)
    }
}

fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name} {text} cannot be read"))
}

fn prefix_of(text: &str) -> Result<(Ipv6Addr, u8), String> {
    let wrong = || format!("--pool {text} is no IPv6 prefix such as 2001:db8::/48");
    let (address, length) = text.split_once('/').ok_or_else(wrong)?;
    let (address, length): (Ipv6Addr, u8) =
        (address.parse().map_err(|_| wrong())?, length.parse().map_err(|_| wrong())?);
    let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
    if length > 128 || address.to_bits() & host != 0 {
        return Err(wrong());
    }
    Ok((address, length))
}

fn access_of(text: &str) -> Result<Access, String> {
    let wrong = || format!("--access {text} is not LINK=INTERFACE,LINK-LOCAL,MAC");
    let (link, rest) = text.split_once('=').ok_or_else(wrong)?;
    let parts: Vec<&str> = rest.split(',').collect();
    let [interface, link_local, mac] = parts[..] else { return Err(wrong()) };
    let link = link.parse().ok().filter(|&link| u32::from(link) < abi::PORT_CORE);
    let link =
        link.ok_or_else(|| format!("{}: the link is not within 0 to {}", wrong(), abi::PORT_CORE - 1))?;
    let link_local: Ipv6Addr = link_local.parse().map_err(|_| wrong())?;
    if !link_local.is_unicast_link_local() {
        return Err(format!("{}: {link_local} is not link-local", wrong()));
    }
    if interface.is_empty() || interface.len() > NAME_MAX {
        return Err(format!("{}: no name of an interface", wrong()));
    }
    let mac = mac_of(mac).ok_or_else(wrong)?;
    Ok(Access { link, interface: interface.into(), link_local, mac })
}

/// Six octets in hexadecimal with colons between them.
pub fn mac_of(text: &str) -> Option<[u8; 6]> {
    let mut octets = [0; 6];
    let mut parts = text.split(':');
    for octet in &mut octets {
        // `from_str_radix` would take a sign for a digit.
        let part =
            parts.next().filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

fn listen_of(
    text: &str,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authority: Option<PathBuf>,
) -> Result<Listen, String> {
    let address = |text: &str| parsed::<SocketAddr>("--control", text);
    match text.split_once(':') {
        Some(("unix", path)) if !path.is_empty() => Ok(Listen::Unix(path.into())),
        Some(("tcp", at)) => Ok(Listen::Tcp(address(at)?)),
        Some(("tls", at)) => {
            let needed =
                |file: Option<PathBuf>, name| file.ok_or_else(|| format!("--control {text} needs {name}"));
            let files = Files {
                certificate: needed(certificate, "--certificate")?,
                key: needed(key, "--key")?,
                authority: needed(authority, "--authority")?,
            };
            Ok(Listen::Tls { address: address(at)?, files })
        }
        _ => Err(format!("--control {text} is not unix:SOCKET, tls:[ADDRESS]:PORT or tcp:[ADDRESS]:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Options, String> {
        parse(line.split(' ').map(String::from))
    }

    const LEAST: &str = "--module m --locator 2001:db8::1 --pool 2001:db8:11::/48 --control unix:c";

    #[test]
    fn the_least_command_line_has_defaults() {
        let options = of(LEAST).unwrap();
        assert_eq!((options.core_mtu, options.bindings, options.syslog), (1500, 1024, false));
        assert_eq!(options.access_tun(7), "maar0a7");
        assert_eq!(options.control, Listen::Unix("c".into()));
    }

    #[test]
    fn access_links_have_number_interface_and_the_addresses_that_the_domain_shares() {
        let options = of(&format!("{LEAST} --access 3=wlan0,fe80::1,02:00:5e:10:00:0a")).unwrap();
        let (link_local, mac) = ("fe80::1".parse().unwrap(), [2, 0, 0x5e, 0x10, 0, 0x0a]);
        assert_eq!(options.access, [Access { link: 3, interface: "wlan0".into(), link_local, mac }]);
    }

    #[test]
    fn tls_needs_its_files() {
        let line = LEAST.replace("unix:c", "tls:[::1]:7077");
        assert_eq!(of(&line).err().as_deref(), Some("--control tls:[::1]:7077 needs --certificate"));
        let options = of(&format!("{line} --certificate c --key k --authority a")).unwrap();
        assert!(matches!(options.control, Listen::Tls { address, .. } if address.port() == 7077));
    }

    #[test]
    fn faults_are_named() {
        let shape = |text| format!("--access {text} is not LINK=INTERFACE,LINK-LOCAL,MAC");
        for (line, fault) in [
            ("--module m", "--locator is missing".into()),
            (&format!("{LEAST} --access 255=i,fe80::1,02:00:5e:10:00:0a"), {
                shape("255=i,fe80::1,02:00:5e:10:00:0a") + ": the link is not within 0 to 254"
            }),
            (&format!("{LEAST} --access 1=i"), shape("1=i")),
            (&format!("{LEAST} --access 1=i,2001::1,02:00:5e:10:00:0a"), {
                shape("1=i,2001::1,02:00:5e:10:00:0a") + ": 2001::1 is not link-local"
            }),
            (&format!("{LEAST} --access 1=i,fe80::1,2:0:5e:10:0:a"), shape("1=i,fe80::1,2:0:5e:10:0:a")),
            (&format!("{LEAST} --bindings 0"), "--bindings takes 1 to 1048576".into()),
            (&format!("{LEAST} --core-mtu"), "--core-mtu takes a value".into()),
            (&format!("{LEAST} --core-mtu 1279"), "--core-mtu takes 1280 to 65535".into()),
            (&format!("{LEAST} --pool 2001:db8:11::1/48"), {
                "--pool 2001:db8:11::1/48 is no IPv6 prefix such as 2001:db8::/48".into()
            }),
            (&format!("{LEAST} --control /run/c"), {
                "--control /run/c is not unix:SOCKET, tls:[ADDRESS]:PORT or tcp:[ADDRESS]:PORT".into()
            }),
            (&format!("{LEAST} --name a-b"), "--name a-b has other than letters, digits and _".into()),
            (&format!("{LEAST} --fast"), "unknown word --fast".into()),
        ] {
            assert_eq!(of(line).err(), Some(fault));
        }
    }
}
