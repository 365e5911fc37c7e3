//! Lines over time, as SVG that needs nothing else.

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// How many points a line has at most; of those that fall together the greatest is shown.
const POINTS: usize = 400;
/// How many lines of the grid there are, in either direction.
const GRID: usize = 4;

/// A line.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// The class that colours it.
    pub(super) class: &'a str,
    /// A value at each time; where there is none, the line has a gap.
    pub(super) values: Vec<Option<f64>>,
}

/// A chart of lines whose values are at these times.
pub(super) fn chart(title: &str, unit: &str, times: &[f64], lines: &[Line<'_>]) -> String {
    let mut svg = String::new();
    // A string takes everything.
    let _ = draw(&mut svg, title, unit, times, lines);
    svg
}

fn draw(
    svg: &mut String,
    title: &str,
    unit: &str,
    times: &[f64],
    lines: &[Line<'_>],
) -> std::fmt::Result {
    let last = times.last().copied().unwrap_or(1.0).max(1.0);
    let values = lines.iter().flat_map(|line| line.values.iter().flatten());
    let most = round_up(values.copied().fold(0.0, f64::max));
    let x = |time: f64| LEFT + (WIDTH - LEFT - RIGHT) * time / last;
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most;
    write!(svg, r#"<figure><figcaption>{title} <span class="unit">({unit})</span>"#)?;
    for line in lines {
        write!(svg, r#" <span class="key {}">{}</span>"#, line.class, line.name)?;
    }
    write!(
        svg,
        r#"</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title} over time">"#
    )?;
    for step in 0..=GRID {
        let part = step as f64 / GRID as f64;
        let (at_y, at_x) = (y(most * part), x(last * part));
        write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at_y:.1}" y2="{at_y:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text><text x="{at_x:.1}" y="{:.1}" text-anchor="middle">{:.0} s</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            at_y + 4.0,
            number(most * part),
            HEIGHT - 8.0,
            last * part
        )?;
    }
    for line in lines {
        let mut path = String::new();
        let mut drawing = false;
        for (time, value) in thinned(times, &line.values) {
            match value {
                Some(value) => {
                    let command = if drawing { 'L' } else { 'M' };
                    write!(path, "{command}{:.1} {:.1}", x(time), y(value))?;
                    if !drawing {
                        // One point alone is seen as well.
                        write!(path, "h.1")?;
                    }
                    drawing = true;
                }
                None => drawing = false,
            }
        }
        write!(svg, r#"<path class="{}" d="{path}"/>"#, line.class)?;
    }
    write!(svg, "</svg></figure>")
}

/// The points that are drawn.
fn thinned(times: &[f64], values: &[Option<f64>]) -> Vec<(f64, Option<f64>)> {
    let together = times.len().div_ceil(POINTS).max(1);
    let pairs: Vec<(f64, Option<f64>)> =
        times.iter().copied().zip(values.iter().copied()).collect();
    let greatest = |chunk: &[(f64, Option<f64>)]| {
        let value = chunk.iter().filter_map(|(_, value)| *value).reduce(f64::max);
        (chunk.last().map_or(0.0, |(time, _)| *time), value)
    };
    pairs.chunks(together).map(greatest).collect()
}

/// The next number that looks good at an axis.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value).unwrap_or(10.0);
    step * power
}

fn number(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e4 => format!("{}k", value / 1e3),
        value if value >= 10.0 => format!("{value:.0}"),
        value => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}
