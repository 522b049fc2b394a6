//! Which numbers of JSON are in range.

/// From here on a number is nearer to 2^1024 than to the largest `f64`, or as near.
const LIMIT: &[u8] = b"\
    179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587\
    207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711\
    531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093\
    042880177904174497792";

/// Whether a number, as JSON writes it, is not rounded to infinity.
pub(super) fn is_finite(number: &[u8]) -> bool {
    // Most numbers are too short for anything else.
    if number.len() < 300 && !number.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return true;
    }
    let e = number.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (number, exponent) = number.split_at(e.unwrap_or(number.len()));
    let point = number.iter().position(|byte| *byte == b'.');
    let whole = number
        .get(..point.unwrap_or(number.len()))
        .unwrap_or_default();
    let digits = || number.iter().filter(|byte| byte.is_ascii_digit());
    let Some(first) = digits().position(|digit| *digit != b'0') else {
        return true;
    };
    // The number is 0.DIGITS times ten to the power of this.
    let before_point = whole.iter().filter(|byte| byte.is_ascii_digit()).count();
    let power = before_point as i64 - first as i64 + value(exponent);
    let limit = LIMIT.len() as i64;
    let padded = digits().skip(first).chain(core::iter::repeat(&b'0'));
    power < limit || power == limit && padded.take(LIMIT.len()).lt(LIMIT)
}

/// The value of an exponent, or one that is as far out.
fn value(exponent: &[u8]) -> i64 {
    let digits = exponent.iter().filter(|byte| byte.is_ascii_digit());
    let value = digits.fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
            .min(1 << 40)
    });
    if exponent.contains(&b'-') {
        -value
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn agrees(number: &str) -> bool {
        let parsed = serde_json::from_str::<f64>(number);
        assert_eq!(
            is_finite(number.as_bytes()),
            parsed.is_ok(),
            "{number}: {parsed:?}"
        );
        parsed.is_ok()
    }

    #[test]
    fn the_last_number_in_range_and_the_first_beyond_are_told_apart() {
        let limit = String::from_utf8(LIMIT.to_vec()).unwrap();
        assert_eq!(limit.len(), 309);
        let below = format!("{}79", &limit[..307]);
        for (number, fits) in [
            (limit.clone(), false),
            (format!("-{limit}"), false),
            (format!("{limit}.0"), false),
            (below.clone(), true),
            (format!("{below}.{}", "9".repeat(999)), true),
            (format!("0.{limit}e309"), false),
            (format!("0.000{below}9E+312"), true),
            (format!("{limit}000e-3"), false),
            (format!("{limit}0e-2"), true),
            (format!("{}e-1000", "9".repeat(1308)), true),
            (format!("{}e-1000", "9".repeat(1309)), false),
            (format!("0.{}1e1500", "0".repeat(1200)), true),
            (format!("0.{}1e1500", "0".repeat(1190)), false),
            (format!("0.{}e99999999999", "0".repeat(400)), true),
            ("1.7976931348623157e308".into(), true),
            ("1.7976931348623158e308".into(), true),
            ("1.7976931348623159e308".into(), false),
            ("1e99999999999999999999".into(), false),
            ("1e-99999999999999999999".into(), true),
            ("-0e99999999999999999999".into(), true),
        ] {
            assert_eq!(agrees(&number), fits, "{number}");
        }
    }
}
