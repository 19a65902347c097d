//! Reads what callgrind writes.

use std::collections::HashMap;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) instructions: u64,
    /// Calls of `malloc`, `calloc` and `realloc`.
    pub(super) allocations: u64,
}

/// The cost of a run by the text of its profile.
///
/// Instructions are those of the line `summary:` (or `totals:`). Allocations are the calls whose target is an allocating
/// function of libc; a name is written once, and afterwards stands for itself as a number in parentheses.
pub(super) fn read(text: &str) -> Cost {
    let mut cost = Cost::default();
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut target = "";
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:")) {
            cost.instructions = total.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or_default();
        } else if let Some(name) = line.strip_prefix("fn=") {
            resolve(&mut names, name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            target = resolve(&mut names, name);
        } else if let Some(calls) = line.strip_prefix("calls=")
            && matches!(target, "malloc" | "calloc" | "realloc")
        {
            cost.allocations += calls.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    cost
}

fn resolve<'a>(names: &mut HashMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    let Some((id, name)) = text.split_once(')') else { return text };
    match name.trim() {
        "" => names.get(id).copied().unwrap_or_default(),
        name => {
            names.insert(id, name);
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_allocator_are_summed_by_their_compressed_names() {
        let text = "events: Ir\nfn=(1) main\n1 5\ncfn=(2) malloc\ncalls=3 0\n1 90\ncfn=(3) free\ncalls=3 0\n1 40\n\n\
                    fn=(2)\n0 90\n\nfn=(4) other\ncfn=(2)\ncalls=4 0\n1 9\ncfn=(5) realloc\ncalls=1 0\n1 9\n\nsummary: 4711\n";
        assert_eq!(read(text), Cost { instructions: 4711, allocations: 8 });
        assert_eq!(read("nothing"), Cost::default());
    }
}
