//! The statements of a text that has several.

/// The statements of a text: apart by semicolons that are not inside a string, a name, a comment or a SQL script.
pub(crate) fn statements(source: &str) -> Vec<String> {
    let (mut all, mut one) = (Vec::new(), String::new());
    let mut rest = source.chars().peekable();
    let mut quote: Option<char> = None;
    let mut blocks = Blocks::default();
    while let Some(c) = rest.next() {
        match (quote, c) {
            // A backslash escapes in strings; a quote in a name is doubled.
            (Some('\'' | '"'), '\\') => {
                one.push(c);
                one.extend(rest.next());
                continue;
            }
            (Some(mark), _) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => {
                blocks.sign(c);
                quote = Some(c);
            }
            (None, '-') if rest.peek() == Some(&'-') => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            (None, '/') if rest.peek() == Some(&'*') => {
                skip_comment(&mut rest);
                blocks.sign(' ');
                one.push(' ');
                continue;
            }
            (None, ';') if blocks.closed() => {
                all.push(std::mem::take(&mut one));
                blocks = Blocks::default();
                continue;
            }
            (None, _) => blocks.sign(c),
        }
        one.push(c);
    }
    all.push(one);
    all.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Skips a comment in brackets, which may have others inside, from its asterisk on.
fn skip_comment(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let (mut depth, mut before) = (1_usize, ' ');
    rest.next();
    for c in rest.by_ref() {
        match (before, c) {
            ('*', '/') => depth -= 1,
            ('/', '*') => depth += 1,
            _ => {
                before = c;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        before = ' ';
    }
}

/// What is open in a script: `BEGIN` and `CASE`, which `END` closes. The `END` of what is not counted here has its
/// word behind it, as in `END IF`.
#[derive(Debug, Default)]
struct Blocks {
    word: String,
    /// Words of the statement that are complete.
    words: usize,
    open: usize,
    /// Whether the last word was `END`.
    ending: bool,
    /// Whether a point stands in front of the word, which makes it the name of a member.
    member: bool,
}

impl Blocks {
    /// Takes a letter that is in no string, name or comment.
    fn sign(&mut self, c: char) {
        if c.is_alphanumeric() || c == '_' {
            self.word.push(c);
            return;
        }
        self.end_word();
        if !c.is_whitespace() {
            self.end();
            // `BEGIN;` is no script.
            self.words += 1;
            self.member = c == '.';
        }
    }

    /// Whether a semicolon here ends the statement.
    fn closed(&mut self) -> bool {
        self.end_word();
        self.end();
        if self.open == 1 && self.words == 1 {
            self.open = 0;
        }
        self.member = false;
        self.open == 0
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.ending) {
            self.open -= 1;
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word).to_ascii_uppercase();
        let (first, second) = (self.words == 0, self.words == 1);
        self.words += 1;
        if std::mem::take(&mut self.member) {
            return;
        }
        if self.ending && matches!(word.as_str(), "IF" | "WHILE" | "LOOP" | "REPEAT" | "FOR") {
            self.ending = false;
            return;
        }
        let case = self.ending && word == "CASE";
        self.end();
        match word.as_str() {
            "BEGIN" if first || self.open > 0 => self.open += 1,
            "TRANSACTION" if second => self.open = 0,
            "CASE" if self.open > 0 && !case => self.open += 1,
            "END" if self.open > 0 => self.ending = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_of_their_own() {
        assert_eq!(statements("SELECT ';' AS a; -- no; not here\n SELECT `b;` ;;"), ["SELECT ';' AS a", "SELECT `b;`"]);
        assert!(statements(" ; ").is_empty());
        let escaped = r"SELECT 'it\'s; one', 'b\\'; SELECT 2";
        assert_eq!(statements(escaped), [r"SELECT 'it\'s; one', 'b\\'", "SELECT 2"]);
        assert_eq!(statements("SELECT /* a; /* b; */ c; */ 1; SELECT 2/*"), ["SELECT   1", "SELECT 2"]);
        assert_eq!(statements("SELECT /*+ hint; */ 1 /**/; /*/ ; */"), ["SELECT   1"]);
    }

    #[test]
    fn scripts_stay_whole() {
        let scripts = [
            "BEGIN DECLARE a INT; SET a = CASE WHEN true THEN 1 ELSE 2 END; SELECT a; END",
            "begin IF a THEN SELECT 1; END IF; CASE a WHEN 1 THEN SELECT t.end, 'END;'; END CASE; /* END */ end",
            "BEGIN l: BEGIN WHILE a DO LOOP LEAVE l; END LOOP; END WHILE; END l; SELECT 1; END",
            "BEGIN REPEAT SET a = (CASE WHEN b THEN CASE c WHEN 1 THEN 2 END END); UNTIL a END REPEAT; END",
            "BEGIN END",
        ];
        for script in scripts {
            let text = format!("SELECT 0;\n{script};SELECT `BEGIN`; SELECT 1 AS begin");
            let without = script.replace("/* END */", " ");
            assert_eq!(statements(&text), ["SELECT 0", &without, "SELECT `BEGIN`", "SELECT 1 AS begin"], "{script}");
        }
    }

    #[test]
    fn transactions_are_no_scripts() {
        assert_eq!(statements("BEGIN TRANSACTION; SELECT 1; COMMIT"), ["BEGIN TRANSACTION", "SELECT 1", "COMMIT"]);
        assert_eq!(statements("BEGIN; SELECT 1"), ["BEGIN", "SELECT 1"]);
    }
}
