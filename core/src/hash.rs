//! The hash that tells one line from another.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

/// The xxh64 (seed 0) of a line without its newline. `Display` and `FromStr` use 16 hex
/// digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineHash(pub u64);

impl LineHash {
    /// The hash that stands for "no line yet", at the start of a log: that of no bytes.
    pub const NONE: Self = Self(0xef46_db37_51d8_e999);

    /// The hash of `line`, which comes without its newline.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        Self(XxHash64::oneshot(0, line))
    }
}

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineHash({self})")
    }
}

impl FromStr for LineHash {
    type Err = NoLineHash;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if hex.len() != 16 || !hex.bytes().all(digit) {
            return Err(NoLineHash);
        }
        u64::from_str_radix(hex, 16)
            .map(Self)
            .map_err(|_| NoLineHash)
    }
}

/// A text is no [`LineHash`]: it takes 16 hex digits, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line's hash is 16 hex digits in lower case")]
pub struct NoLineHash;

impl Serialize for LineHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LineHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_hash_of_no_line_is_that_of_no_bytes_and_survives_its_text() {
        assert_eq!(LineHash::of(b""), LineHash::NONE);
        let hash = LineHash(0xab);
        assert_eq!(hash.to_string(), "00000000000000ab");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in ["", "ab", "00000000000000AB", "+0000000000000ab"] {
            assert_eq!(text.parse::<LineHash>(), Err(NoLineHash));
        }
    }
}
