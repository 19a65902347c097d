//! Lines in an SVG, over a horizontal axis that grows by factors.

use std::fmt::Write as _;

/// One line of a plot.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(usize, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
/// Left and below are the axes' numbers, right the names of the lines, above the title.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 80.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;
const COLORS: [&str; 3] = ["#888888", "#c05020", "#2060a0"];

/// The plot. The vertical axis begins at zero.
pub(super) fn svg(title: &str, unit: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let most = points().map(|(_, value)| *value).fold(0.0_f64, f64::max).max(f64::MIN_POSITIVE);
    let step = round_step(most / 5.0);
    let top = (most / step).ceil() * step;
    let widest = points().map(|(at, _)| *at).max().unwrap_or(1).max(2) as f64;
    let x = |at: usize| LEFT + (at.max(1) as f64).ln() / widest.ln() * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\">{title}, {unit}</text>\n"
    );
    // Writing to a string does not fail.
    let mut value = 0.0;
    while value <= top * 1.001 {
        let at = y(value);
        let _ = writeln!(
            text,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>\n<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
        );
        value += step;
    }
    for (at, _) in lines.first().map_or(&[][..], |line| line.points.as_slice()) {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{at}</text>",
            x(*at),
            HEIGHT - BOTTOM + 18.0
        );
    }
    for (line, color) in lines.iter().zip(COLORS.iter().cycle()) {
        let path: Vec<_> = line.points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        if let Some((at, value)) = line.points.last() {
            let _ = writeln!(
                text,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{}</text>",
                x(*at) + 6.0,
                y(*value) + 4.0,
                line.name
            );
        }
    }
    text + "</svg>\n"
}

/// The next of 1, 2, 5, 10 and so on, by any power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= least).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (least, step) in [(0.7, 1.0), (1.0, 1.0), (1.2, 2.0), (3.3, 5.0), (7.0, 10.0), (42.0, 50.0)] {
            assert!((round_step(least) - step).abs() < 1e-9, "{least}");
        }
    }

    #[test]
    fn lines_span_the_plot() {
        let lines = [Line { name: "one", points: vec![(1, 10.0), (8, 20.0), (64, 40.0)] }];
        let text = svg("Cost", "µs", &lines);
        assert!(text.starts_with("<svg") && text.ends_with("</svg>\n"), "{text}");
        // From the first number of tasks at the left edge to the last at the right one.
        assert!(text.contains("points=\"56.0,250.0 308.0,180.0 560.0,40.0\""), "{text}");
        assert_eq!(text.matches("<polyline").count(), 1);
    }
}
