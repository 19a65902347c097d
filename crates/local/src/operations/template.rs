//! The template of a path: literal segments, parameters, and parameters that hold slashes.

/// A path with parameters.
#[derive(Debug)]
pub(super) struct Template {
    /// As the table has it.
    pub(super) text: &'static str,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Literal(&'static str),
    /// One segment, with what stands behind the parameter in the same segment, such as `:sync`.
    Parameter(&'static str, &'static str),
    /// Several segments in a stated form, `*` for any one.
    Name(&'static str, Vec<&'static str>, &'static str),
    /// One segment or more.
    Rest(&'static str, &'static str),
}

/// How a template fits a path.
#[derive(Debug)]
pub(super) struct Fit {
    /// Smaller where the template states more.
    pub(super) rank: Vec<u8>,
    pub(super) values: Vec<(&'static str, String)>,
}

impl Template {
    pub(super) fn new(text: &'static str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text.trim_start_matches('/');
        while !rest.is_empty() {
            let (segment, after) = match rest.strip_prefix('{').and_then(|r| r.split_once('}')) {
                Some((_, behind)) => {
                    let end = rest.len() - behind.len();
                    let tail = behind.find('/').unwrap_or(behind.len());
                    (&rest[..end + tail], behind[tail..].trim_start_matches('/'))
                }
                None => rest.split_once('/').unwrap_or((rest, "")),
            };
            parts.push(part(segment));
            rest = after;
        }
        Self { text, parts }
    }

    /// Fits the template to the segments of a path, which are not decoded.
    pub(super) fn fit(&self, segments: &[&str]) -> Option<Fit> {
        let mut fit = Fit { rank: Vec::new(), values: Vec::new() };
        self.fit_from(0, segments, &mut fit).then_some(fit)
    }

    fn fit_from(&self, index: usize, segments: &[&str], fit: &mut Fit) -> bool {
        let Some(part) = self.parts.get(index) else { return segments.is_empty() };
        match part {
            Part::Literal(text) => {
                segments.first().is_some_and(|s| s == text) && self.next(index, segments, 1, fit, &[0])
            }
            Part::Parameter(name, tail) => {
                let value = segments.first().and_then(|s| s.strip_suffix(tail)).filter(|v| !v.is_empty());
                value.is_some_and(|value| {
                    fit.values.push((name, value.to_owned()));
                    // `{id}:sync` states more than `{id}`.
                    self.next(index, segments, 1, fit, &[if tail.is_empty() { 2 } else { 1 }])
                })
            }
            Part::Name(name, pattern, tail) => {
                let Some(own) = segments.get(..pattern.len()) else { return false };
                let Some(value) = own.join("/").strip_suffix(tail).map(str::to_owned) else { return false };
                let fits = value.split('/').zip(pattern).all(|(s, p)| !s.is_empty() && (*p == "*" || s == *p));
                fits && {
                    fit.values.push((name, value));
                    let rank: Vec<u8> = pattern.iter().map(|p| if *p == "*" { 2 } else { 0 }).collect();
                    self.next(index, segments, pattern.len(), fit, &rank)
                }
            }
            Part::Rest(name, tail) => (1..=segments.len()).rev().any(|count| {
                // `/api/2.0/{name}` would claim every path; what it means begins with `sandboxes`.
                if index == 2 && segments.first() != Some(&"sandboxes") {
                    return false;
                }
                let (values, ranks) = (fit.values.len(), fit.rank.len());
                let joined = segments.get(..count).map(|s| s.join("/")).unwrap_or_default();
                let fits = joined.strip_suffix(tail).filter(|v| !v.is_empty()).is_some_and(|value| {
                    fit.values.push((name, value.to_owned()));
                    self.next(index, segments, count, fit, &[3])
                });
                if !fits {
                    fit.values.truncate(values);
                    fit.rank.truncate(ranks);
                }
                fits
            }),
        }
    }

    fn next(&self, index: usize, segments: &[&str], used: usize, fit: &mut Fit, rank: &[u8]) -> bool {
        fit.rank.extend_from_slice(rank);
        self.fit_from(index + 1, segments.get(used..).unwrap_or_default(), fit)
    }

    /// A path that fits.
    #[cfg(test)]
    pub(super) fn example(&self) -> String {
        let mut path = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            let segment = match part {
                Part::Literal(text) => (*text).to_owned(),
                Part::Parameter(_, tail) => format!("x{tail}"),
                Part::Name(_, pattern, tail) => format!("{}{tail}", pattern.join("/").replace('*', "x")),
                Part::Rest(_, tail) if index == 2 => format!("sandboxes/x{tail}"),
                Part::Rest(_, tail) => format!("x/y{tail}"),
            };
            path.push('/');
            path.push_str(&segment);
        }
        path
    }
}

fn part(segment: &'static str) -> Part {
    let Some((inner, tail)) = segment.strip_prefix('{').and_then(|s| s.split_once('}')) else {
        return Part::Literal(segment);
    };
    match inner.split_once('=') {
        None => Part::Parameter(inner, tail),
        Some((name, "**")) => Part::Rest(name, tail),
        Some((name, pattern)) => Part::Name(name, pattern.split('/').collect(), tail),
    }
}
