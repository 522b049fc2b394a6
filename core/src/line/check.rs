//! Looks at a line as the parser would, and builds nothing.
//!
//! The parser brings along what makes values, floating point first of all. Where a line is only
//! asked whether it can be read, this is all that a program needs, and the JavaScript module is
//! much smaller for it.

mod flaw;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::MAX_DEPTH;
use super::escape::plain;
use super::json::RESERVED;
use super::number::is_finite;
use flaw::Flaw;

/// The fields of an event in the order of the log; the first three are always there.
const FIELDS: [&[u8]; 6] = [b"type", b"data", b"ts", b"id", b"actor", b"meta"];
const REQUIRED: usize = 3;

type Checked<T = ()> = Result<T, Flaw>;

/// Checks that `line` is an event with its fields in the order of the log and no others, which reads
/// back as what it says.
pub(super) fn new_event(line: &[u8]) -> Result<(), String> {
    whole(line, true, |at| at.event())
}

/// Checks that `line` is an event, whatever the order of its fields and whatever else it has.
pub(crate) fn event(line: &[u8]) -> Result<(), String> {
    whole(line, false, |at| at.event())
}

/// Checks that `json` is a value that the parser can read: its numbers are in range, its strings
/// are text.
pub(crate) fn value(json: &[u8]) -> Result<(), String> {
    whole(json, false, |at| at.value(0))
}

/// Checks what [`value`] does, and that the parser gives back what `json` says when it stands `depth`
/// levels deep.
pub(super) fn new_value(json: &[u8], depth: usize) -> Result<(), String> {
    whole(json, true, |at| at.value(depth))
}

fn whole(
    bytes: &[u8],
    is_new: bool,
    check: impl FnOnce(&mut Cursor<'_>) -> Checked,
) -> Result<(), String> {
    let mut at = Cursor {
        bytes,
        at: 0,
        is_new,
    };
    let done = check(&mut at).and_then(|()| match at.token() {
        None => Ok(()),
        Some(_) => Err(Flaw::Followed),
    });
    done.map_err(|flaw| format!("{} at column {}", flaw.text(), at.at + 1))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether it is not in the log yet, and may be refused for how it is written.
    is_new: bool,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte that the next token starts with.
    #[inline(always)]
    fn token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn event(&mut self) -> Checked {
        if self.token() != Some(b'{') {
            return Err(Flaw::NoObject);
        }
        let mut seen = [false; FIELDS.len()];
        let mut next = 0;
        self.items(b'}', |at| {
            let name = at.name(true)?;
            let field = FIELDS.iter().position(|field| spells(name, field));
            if at.is_new {
                let in_turn = |field| field == next || field > next && next >= REQUIRED;
                next = field.filter(|field| in_turn(*field)).ok_or(Flaw::Order)? + 1;
            }
            if let Some(seen) = field.and_then(|field| seen.get_mut(field))
                && core::mem::replace(seen, true)
            {
                return Err(Flaw::Twice);
            }
            match field {
                Some(0) => at.text(),
                Some(1 | 5) => at.value(1),
                Some(2) => at.seconds(),
                Some(_) if !at.is_new && at.token() == Some(b'n') => at.word(b"null"),
                Some(_) => at.text(),
                None => at.ignored(),
            }
        })?;
        match seen.iter().take(REQUIRED).all(|seen| *seen) {
            true => Ok(()),
            false => Err(Flaw::Missing),
        }
    }

    /// A value inside `depth` others.
    fn value(&mut self, depth: usize) -> Checked {
        match self.token() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => Err(Flaw::TooDeep),
            Some(b'{') => self.items(b'}', |at| {
                let name = at.name(true)?;
                if at.is_new && RESERVED.iter().any(|own| spells(name, own.as_bytes())) {
                    return Err(Flaw::Reserved);
                }
                at.value(depth + 1)
            }),
            Some(b'[') => self.items(b']', |at| at.value(depth + 1)),
            _ => self.scalar(true),
        }
    }

    /// A value that nobody asks for: its grammar alone matters, however deep it nests.
    fn ignored(&mut self) -> Checked {
        // The brackets that have yet to close, the innermost last.
        let mut open = Vec::new();
        loop {
            match self.token() {
                Some(b'{') => {
                    self.at += 1;
                    open.push(b'}');
                    if self.token() != Some(b'}') {
                        self.name(false)?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    open.push(b']');
                    if self.token() != Some(b']') {
                        continue;
                    }
                }
                _ => self.scalar(false)?,
            }
            // Behind a value brackets close, up to a comma.
            loop {
                let Some(&close) = open.last() else {
                    return Ok(());
                };
                match self.token() {
                    Some(byte) if byte == close => {
                        self.at += 1;
                        open.pop();
                    }
                    Some(b',') => {
                        self.at += 1;
                        if close == b'}' {
                            self.name(false)?;
                        }
                        break;
                    }
                    _ => return Err(Flaw::NoComma),
                }
            }
        }
    }

    /// A value that holds no others. Unless `read`, its grammar alone matters.
    fn scalar(&mut self, read: bool) -> Checked {
        match self.token() {
            Some(b'"') => self.string(read),
            Some(b'-' | b'0'..=b'9') => self.number(read),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(Flaw::NoValue),
        }
    }

    /// What stands between the bracket here and the one that closes it.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Checked) -> Checked {
        self.at += 1;
        if self.token() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.token() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Flaw::NoComma),
            }
        }
    }

    /// The name of an object's field, as it is written, and the colon.
    fn name(&mut self, read: bool) -> Checked<&'a [u8]> {
        if self.token() != Some(b'"') {
            return Err(Flaw::NoName);
        }
        let start = self.at + 1;
        self.string(read)?;
        let end = self.at - 1;
        self.token();
        match self.take(b':') {
            true => Ok(self.bytes.get(start..end).unwrap_or_default()),
            false => Err(Flaw::NoColon),
        }
    }

    fn text(&mut self) -> Checked {
        match self.token() {
            Some(b'"') => self.string(true),
            _ => Err(Flaw::NoString),
        }
    }

    fn word(&mut self, word: &[u8]) -> Checked {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(Flaw::NoValue);
        }
        self.at += word.len();
        Ok(())
    }

    /// The string that starts with the quote here. Unless `read`, half a surrogate pair may do.
    fn string(&mut self, read: bool) -> Checked {
        self.at += 1;
        let start = self.at;
        let mut is_ascii = true;
        loop {
            while let Some(eight) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
                let plain = plain(*eight);
                is_ascii &= eight.is_ascii();
                self.at += plain;
                if plain < eight.len() {
                    break;
                }
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(read)?,
                Some(byte @ b' '..) => {
                    is_ascii &= byte.is_ascii();
                    self.at += 1;
                }
                Some(_) => return Err(Flaw::Control),
                None => return Err(Flaw::NoEnd),
            }
        }
        let bytes = self.bytes.get(start..self.at).unwrap_or_default();
        if !is_ascii && str::from_utf8(bytes).is_err() {
            return Err(Flaw::NoText);
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self, read: bool) -> Checked {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                0xd800..=0xdbff if read => {
                    let follows = self.take(b'\\') && self.peek() == Some(b'u');
                    if !follows || !matches!(self.unit()?, 0xdc00..=0xdfff) {
                        return Err(Flaw::HalfPair);
                    }
                }
                0xdc00..=0xdfff if read => return Err(Flaw::HalfPair),
                _ => {}
            },
            _ => return Err(Flaw::NoEscape),
        }
        Ok(())
    }

    /// The four digits after the `u` here.
    fn unit(&mut self) -> Checked<u16> {
        let digits = self.bytes.get(self.at + 1..).and_then(<[u8]>::first_chunk);
        let unit = digits.and_then(hex).ok_or(Flaw::NoEscape)?;
        self.at += 5;
        Ok(unit)
    }

    fn number(&mut self, read: bool) -> Checked {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let number = self.bytes.get(start..self.at).unwrap_or_default();
        match read && !is_finite(number) {
            true => Err(Flaw::OutOfRange),
            false => Ok(()),
        }
    }

    fn digits(&mut self) -> Checked {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(Flaw::NoDigit),
        }
    }

    fn seconds(&mut self) -> Checked {
        self.token();
        let start = self.at;
        self.number(true)?;
        let number = self.bytes.get(start..self.at).unwrap_or_default();
        let value = number.iter().try_fold(0_u64, |value, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            value.checked_mul(10)?.checked_add(u64::from(digit))
        });
        value.map(drop).ok_or(Flaw::NoSeconds)
    }
}

/// Whether a string's bytes, as they are written, stand for `name`.
fn spells(mut written: &[u8], name: &[u8]) -> bool {
    for byte in name {
        written = match written {
            [first, rest @ ..] if first == byte => rest,
            [b'\\', b'u', a, b, c, d, rest @ ..]
                if hex(&[*a, *b, *c, *d]) == Some(u16::from(*byte)) =>
            {
                rest
            }
            _ => return false,
        };
    }
    written.is_empty()
}

fn hex(digits: &[u8; 4]) -> Option<u16> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)? as u16)
    })
}

#[cfg(test)]
mod tests;
