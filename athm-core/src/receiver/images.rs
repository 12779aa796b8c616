//! Receivers that the linker collected into no list.
//!
//! The list of receivers is made for each executable and each dynamic library by itself, and only the one that athm-core is in
//! is read. With Rust's dynamic libraries (`crate-type = ["dylib"]`, `-C prefer-dynamic`) that is one of several. On Linux the
//! others are seen: an ELF file names its sections, and one that has receivers, but not athm-core, is never read.

use std::path::PathBuf;

/// The section with receivers, as linkme names it.
#[cfg(target_os = "linux")]
const RECEIVERS: &[u8] = b"linkme_ATHM_RECEIVERS_V1\0";

/// The section beside the list itself: it is where athm-core is.
#[cfg(target_os = "linux")]
const LIST: &[u8] = b"linkm2_ATHM_RECEIVERS_V1\0";

/// The files of this process whose receivers are in no list.
#[cfg(target_os = "linux")]
pub(crate) fn unlisted() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut files: Vec<PathBuf> =
        maps.lines().filter_map(|line| line.find('/').map(|path| PathBuf::from(&line[path..]))).collect();
    files.sort_unstable();
    files.dedup();
    files.retain(|file| elf::section_names(file).is_ok_and(|names| has(&names, RECEIVERS) && !has(&names, LIST)));
    files
}

/// Elsewhere they can't be seen.
#[cfg(not(target_os = "linux"))]
pub(crate) fn unlisted() -> Vec<PathBuf> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn has(names: &[u8], name: &[u8]) -> bool {
    names.windows(name.len()).any(|window| window == name)
}

/// As much of the format as it takes to read the names of sections, of 64 bits and little-endian.
#[cfg(target_os = "linux")]
mod elf {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom};
    use std::path::Path;

    /// More than any linker writes.
    const LONGEST: u64 = 1024 * 1024;

    /// The table of names, each with a zero after it. Empty where the file is of another kind.
    pub(super) fn section_names(file: &Path) -> io::Result<Vec<u8>> {
        let mut file = File::open(file)?;
        let header: [u8; 64] = read(&mut file, 0)?;
        if !header.starts_with(b"\x7fELF\x02\x01") {
            return Ok(Vec::new());
        }
        let (sections, size, names) = (number(&header[40..48]), number(&header[58..60]), number(&header[62..64]));
        let section: [u8; 64] = read(&mut file, sections.saturating_add(size * names))?;
        let (start, length) = (number(&section[24..32]), number(&section[32..40]));
        let mut table = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.take(length.min(LONGEST)).read_to_end(&mut table)?;
        Ok(table)
    }

    fn read<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
