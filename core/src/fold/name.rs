use crate::error::Error;

/// The longest name in bytes: with its ending it stays a file name everywhere.
const MAX_NAME: usize = 128;

/// Names that Windows keeps for devices, with any ending. COM and LPT come with a number.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Checks that a view's name is a file's name on every system, inside the log's directory: 1 to
/// 128 bytes, no separator, no control character, none of `: * ? " < > |`, no dot or space at
/// either end, and no device name.
///
/// # Errors
/// [`Error::ViewName`] otherwise.
pub fn check_view_name<E: core::error::Error>(name: &str) -> Result<(), Error<E>> {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME {
        "is longer than 128 bytes"
    } else if name.contains(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c)) {
        "holds a character that is not allowed in file names"
    } else if name.starts_with(['.', ' ']) || name.ends_with(['.', ' ']) {
        "starts or ends with a dot or a space"
    } else if is_device(stem) {
        "is a device name on Windows"
    } else {
        return Ok(());
    };
    Err(Error::ViewName {
        name: name.into(),
        reason,
    })
}

fn is_device(stem: &str) -> bool {
    let is_number = |rest: &str| {
        let mut digits = rest.chars();
        matches!(
            (digits.next(), digits.next()),
            (Some('0'..='9' | '¹' | '²' | '³'), None)
        )
    };
    let numbered = stem.split_at_checked(3).is_some_and(|(port, rest)| {
        ["com", "lpt"]
            .iter()
            .any(|name| port.eq_ignore_ascii_case(name))
            && is_number(rest)
    });
    numbered
        || DEVICES
            .iter()
            .any(|device| stem.eq_ignore_ascii_case(device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    fn accepts(name: &str) -> bool {
        check_view_name::<Infallible>(name).is_ok()
    }

    #[test]
    fn names_that_are_file_names_everywhere_are_accepted() {
        let long = "n".repeat(MAX_NAME);
        let accepted = [
            "todos", "by user", "a-b_c.v2", "größe", "視圖", "console", "com10", &long,
        ];
        for name in accepted {
            assert!(accepts(name), "{name}");
        }
    }

    #[test]
    fn names_that_leave_the_directory_or_are_no_file_names_somewhere_are_refused() {
        let long = "n".repeat(MAX_NAME + 1);
        let refused = [
            "", ".", "..", "../x", "a/b", "a\\b", "/etc", "c:x", "a\0b", "a\nb", ".hidden", "end.",
            "end ", "NUL", "con.txt", "Com1", "lpt9.log", "com²", "aux .x", "a*", "a?", "<a>",
            &long,
        ];
        for name in refused {
            assert!(!accepts(name), "{name:?}");
        }
    }
}
