//! Values that must be put back, written down before they are changed. What carries our protocol number or the name of
//! our table is found by looking.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::options::mac_of;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Path and content.
    Sysctl(String, String),
    /// Interface and its address.
    Mac(String, [u8; 6]),
}

impl Value {
    fn line(&self) -> String {
        match self {
            Self::Sysctl(path, value) => format!("sysctl {path} {value}\n"),
            Self::Mac(interface, mac) => {
                let octets: Vec<String> = mac.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("mac {interface} {}\n", octets.join(":"))
            }
        }
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(3, ' ');
        match (words.next()?, words.next()?, words.next()?) {
            ("sysctl", path, value) => Some(Self::Sysctl(path.into(), value.into())),
            ("mac", interface, mac) => Some(Self::Mac(interface.into(), mac_of(mac)?)),
            _ => None,
        }
    }
}

/// The file stays open: an agent that has become another user empties it all the same.
pub struct Undo {
    file: File,
    values: Vec<Value>,
}

impl Undo {
    /// Opens the file of a directory, which is made where it is not there. What root would write through a link of somebody
    /// else, and read as values to be put back, is refused.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join("undo");
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // A last line without its end was cut off: its change was never made.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        Ok(Self { file, values: whole.lines().filter_map(Value::read).collect() })
    }

    /// Last change first.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().rev()
    }

    /// On disk when this returns; only then may the change be made.
    pub fn add(&mut self, values: Vec<Value>) -> io::Result<()> {
        let lines: String = values.iter().map(Value::line).collect();
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        self.values.extend(values);
        Ok(())
    }

    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.values.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outlive_the_process_that_wrote_them_and_a_cut_line_is_none() {
        let directory = std::env::temp_dir().join(format!("maar-undo-{}", std::process::id()));
        let sysctl = |value: &str| Value::Sysctl("/proc/sys/net/a.b/forwarding".into(), value.into());
        let mac = Value::Mac("wlan0".into(), [2, 0, 0x5e, 0x10, 0, 0x0a]);
        let mut undo = Undo::open(&directory).unwrap();
        undo.add(vec![sysctl("0"), mac.clone()]).unwrap();
        undo.add(vec![sysctl("2")]).unwrap();
        undo.file.write_all(b"sysctl /proc/sys/net/b 1").unwrap();
        let mut again = Undo::open(&directory).unwrap();
        assert_eq!(again.values().cloned().collect::<Vec<_>>(), [sysctl("2"), mac, sysctl("0")]);
        again.clear().unwrap();
        assert_eq!(Undo::open(&directory).unwrap().values().count(), 0);
        fs::remove_dir_all(directory).unwrap();
    }
    #[test]
    fn a_link_to_the_file_of_somebody_else_is_not_followed() {
        let directory = std::env::temp_dir().join(format!("maar-undo-link-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("other"), "sysctl /proc/sys/net/a 1\n").unwrap();
        std::os::unix::fs::symlink(directory.join("other"), directory.join("undo")).unwrap();
        let refused = Undo::open(&directory).err().and_then(|error| error.raw_os_error());
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(refused, Some(libc::ELOOP));
    }
}
