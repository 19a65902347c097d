//! A text as sentences of words.

/// Signs that end a sentence wherever they stand, and those that do in front of a blank alone.
const ENDS: [char; 6] = ['。', '!', '?', '！', '？', '.'];

/// The words of each sentence that has any.
pub(super) fn sentences(text: &str) -> Vec<Vec<&str>> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (sentence, after) = rest.split_at(end(rest));
        all.push(words(sentence));
        rest = after;
    }
    all.retain(|words| !words.is_empty());
    all
}

/// Where the first sentence ends.
fn end(text: &str) -> usize {
    for (at, sign) in text.char_indices().filter(|(_, c)| ENDS.contains(c)) {
        let after = &text[at + sign.len_utf8()..];
        if after.starts_with(ENDS) {
            continue;
        }
        // Quotes and brackets that close belong to the sentence.
        let closed = after.trim_start_matches(['"', '\'', ')', ']', '}', '”', '’', '»']);
        let next = closed.trim_start();
        let is_wide = matches!(sign, '。' | '！' | '？');
        let is_apart = is_wide || next.is_empty() || closed.len() > next.len();
        // What goes on with a small letter is the same sentence.
        let goes_on = sign == '.' && next.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_lowercase);
        if is_apart && !goes_on {
            return text.len() - next.len();
        }
    }
    text.len()
}

/// Letters and digits, with the signs that join them.
fn words(sentence: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut from = None;
    let signs: Vec<(usize, char)> = sentence.char_indices().collect();
    for (n, (at, sign)) in signs.iter().enumerate() {
        let is_part = |n: usize| signs.get(n).is_some_and(|(_, c)| c.is_alphanumeric());
        let joins = matches!(sign, '\'' | '’' | '.' | '-' | '_') && n > 0 && is_part(n - 1) && is_part(n + 1);
        if sign.is_alphanumeric() || joins {
            from.get_or_insert(*at);
        } else if let Some(from) = from.take() {
            words.push(&sentence[from..*at]);
        }
    }
    words.extend(from.map(|from| &sentence[from..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_another_begins() {
        assert_eq!(sentences("One two. Three? four"), [vec!["One", "two"], vec!["Three"], vec!["four"]]);
        assert_eq!(sentences("No. 3 is 2.5 then"), [vec!["No", "3", "is", "2.5", "then"]]);
        assert_eq!(sentences("(Well-known.) It's"), [vec!["Well-known"], vec!["It's"]]);
        assert!(sentences(" ... ").is_empty());
    }
}
