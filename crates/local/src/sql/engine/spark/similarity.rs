//! How alike strings are, and check digits.

use super::function::{Def, f};
use super::value::V;

pub(crate) const FUNCTIONS: &[Def] = &[
    f("levenshtein", "s s i? -> i", |_, a| {
        let d = levenshtein(a[0].text(), a[1].text());
        Ok(V::Int(match a.get(2) {
            Some(limit) if d > limit.i() => -1,
            _ => d,
        }))
    }),
    f("soundex", "s -> s", |_, a| Ok(soundex(a[0].text()).into())),
    f("luhn_check", "s -> b", |_, a| Ok(luhn(a[0].text()).into())),
    f("jaro_winkler_similarity", "s s -> d", |_, a| Ok(V::Double(jaro_winkler(a[0].text(), a[1].text())))),
];

fn levenshtein(a: &str, b: &str) -> i64 {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<i64> = (0..=b.len() as i64).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i as i64 + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (before + i64::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            before = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

fn soundex(text: &str) -> String {
    const CODES: &[u8; 26] = b"01230127022455012623010202";
    let Some(first) = text.chars().next().filter(char::is_ascii_alphabetic) else { return text.to_owned() };
    let code = |c: char| CODES[usize::from(c.to_ascii_uppercase() as u8 - b'A')];
    let mut out = String::from(first.to_ascii_uppercase());
    let mut last = code(first);
    for c in text.chars().skip(1) {
        if !c.is_ascii_alphabetic() {
            last = b'0';
            continue;
        }
        let upper = c.to_ascii_uppercase();
        // H and W are skipped as if they were not there; vowels part two that sound alike.
        if matches!(upper, 'H' | 'W') {
            continue;
        }
        let now = code(c);
        if now != b'0' && now != last {
            out.push(char::from(now));
            if out.len() == 4 {
                break;
            }
        }
        last = now;
    }
    format!("{out:0<4}")
}

fn luhn(text: &str) -> bool {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = text
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let d = u32::from(b - b'0') * if i % 2 == 1 { 2 } else { 1 };
            if d > 9 { d - 9 } else { d }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn jaro_winkler(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut used = vec![false; b.len()];
    let mut matched = Vec::new();
    for (i, c) in a.iter().enumerate() {
        let end = (i + window + 1).min(b.len());
        if let Some(j) = (i.saturating_sub(window)..end).find(|j| !used[*j] && b[*j] == *c) {
            used[j] = true;
            matched.push(*c);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let other = b.iter().zip(&used).filter(|(_, u)| **u).map(|(c, _)| *c);
    let moved = matched.iter().zip(other).filter(|(x, y)| **x != *y).count() / 2;
    let m = matched.len() as f64;
    let jaro = (m / a.len() as f64 + m / b.len() as f64 + (m - moved as f64) / m) / 3.0;
    let prefix = a.iter().zip(&b).take(4).take_while(|(x, y)| x == y).count() as f64;
    jaro + prefix * 0.1 * (1.0 - jaro)
}
