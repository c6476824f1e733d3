//! How much of each campaign was let through as time went by, as a picture.

use anyhow::anyhow;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::report::Report;
use super::score::{Part, share};

/// Width and height.
const SIZE: (u32, u32) = (1_160, 640);

/// How much of the width is for names.
const NAMES: u32 = 200;

/// The least share that is drawn, in percent: what is less is drawn there.
const LEAST: f64 = 0.01;

/// One campaign: its name, the share of all its interactions so far in percent, hour by hour in days, and its colour.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    color: RGBColor,
}

/// An SVG of all campaigns.
pub(super) fn draw(reports: &[Report]) -> anyhow::Result<String> {
    let mut text = String::new();
    let days = reports.iter().map(|report| report.scenario.days).max();
    let curves = curves(reports);
    // Of the library's errors some borrow from what is drawn on.
    draw_on(&mut text, f64::from(days.unwrap_or(1)), &curves)
        .map_err(|error| anyhow!("cannot draw: {error}"))?;
    Ok(text)
}

fn draw_on(
    text: &mut String,
    days: f64,
    curves: &[Curve],
) -> Result<(), Box<dyn core::error::Error>> {
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(SIZE.0.saturating_sub(NAMES));
    let mut chart = ChartBuilder::on(&left)
        .caption(
            "Share of a campaign's interactions let through so far",
            ("sans-serif", 20),
        )
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..days, (LEAST..100.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("days")
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|day| format!("{day:.0}"))
        .y_label_formatter(&|percent| format!("{percent} %"))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .light_line_style(BLACK.mix(0.06))
        .bold_line_style(BLACK.mix(0.16))
        .draw()?;
    for curve in curves {
        let points = curve.points.iter().copied();
        chart.draw_series(LineSeries::new(points, curve.color.stroke_width(2)))?;
    }
    let style =
        TextStyle::from(("sans-serif", 15).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
    for (place, curve) in curves.iter().enumerate() {
        let y = i32::try_from(place)
            .unwrap_or(0)
            .saturating_mul(24)
            .saturating_add(60);
        let line = vec![(0, y), (22, y)];
        right.draw(&PathElement::new(line, curve.color.stroke_width(3)))?;
        let last = curve.points.last().map_or(0.0, |&(_, percent)| percent);
        let last = match last {
            LEAST.. => format!("{last:.2} %"),
            _ => format!("< {LEAST} %"),
        };
        right.draw(&Text::new(
            format!("{}  {last}", curve.name),
            (30, y),
            style.clone(),
        ))?;
    }
    root.present()?;
    Ok(())
}

/// The campaigns of which anything came, those first of which most was let through.
fn curves(reports: &[Report]) -> Vec<Curve> {
    let mut curves: Vec<(String, Vec<(f64, f64)>)> = reports
        .iter()
        .filter(|report| report.campaign.is_some())
        .map(|report| (report.scenario.name.clone(), points(&report.hours)))
        .collect();
    let last = |points: &[(f64, f64)]| points.last().map_or(0.0, |&(_, percent)| percent);
    curves.sort_by(|(_, one), (_, other)| last(other).total_cmp(&last(one)));
    let curves = curves.into_iter().enumerate();
    curves
        .map(|(place, (name, points))| Curve {
            name,
            points,
            color: color(place),
        })
        .collect()
}

/// The share so far after each hour in which anything came.
fn points(hours: &[Part]) -> Vec<(f64, f64)> {
    let mut sum = Part::default();
    let mut points = Vec::new();
    let mut time = 0.0;
    for hour in hours {
        time += 1.0 / 24.0;
        sum.sent = sum.sent.saturating_add(hour.sent);
        sum.passed = sum.passed.saturating_add(hour.passed);
        if sum.sent > 0 {
            let percent = share(sum.passed, sum.sent) * 100.0;
            points.push((time, percent.max(LEAST)));
        }
    }
    points
}

/// Colours that can be told from each other, and from white, for some twenty.
fn color(place: usize) -> RGBColor {
    const COLORS: [(u8, u8, u8); 10] = [
        (214, 39, 40),
        (31, 119, 180),
        (44, 160, 44),
        (255, 127, 14),
        (148, 103, 189),
        (140, 86, 75),
        (227, 119, 194),
        (23, 160, 180),
        (150, 150, 20),
        (90, 90, 90),
    ];
    let count = COLORS.len();
    let (red, green, blue) = COLORS
        .get(place.checked_rem(count).unwrap_or(0))
        .copied()
        .unwrap_or_default();
    if place < count {
        RGBColor(red, green, blue)
    } else {
        RGBColor(red / 2, green / 2, blue / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_the_share_of_all_so_far() {
        let part = |sent, passed| Part { sent, passed };
        let drawn = points(&[
            part(0, 0),
            part(10, 10),
            part(0, 0),
            part(10, 0),
            part(0, 0),
        ]);
        let percents: Vec<f64> = drawn.iter().map(|&(_, percent)| percent).collect();
        assert_eq!(percents, [100.0, 100.0, 50.0, 50.0]);
        assert!((drawn[0].0 - 2.0 / 24.0).abs() < 1e-9);
        // What is nothing is drawn at the edge.
        assert_eq!(points(&[part(1_000, 0)]), [(1.0 / 24.0, LEAST)]);
    }

    #[test]
    fn a_drawing_names_all_curves() {
        let curves: Vec<Curve> = (0_u32..20)
            .map(|place| Curve {
                name: format!("level-{place}"),
                points: (0..1_080_u32)
                    .map(|hour| {
                        let days = f64::from(hour + 1) / 24.0;
                        let floor = f64::from(place * place) / 4.0;
                        (days, (floor + 4.0 / days).clamp(LEAST, 100.0))
                    })
                    .collect(),
                color: color(place as usize),
            })
            .collect();
        let mut text = String::new();
        draw_on(&mut text, 45.0, &curves).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        assert_eq!(text.matches("level-").count(), 20);
        assert!(text.contains("0.1 %") && text.contains("100 %"));
        // Nothing drawn is nothing broken.
        let mut empty = String::new();
        draw_on(&mut empty, 1.0, &[]).unwrap();
    }
}
