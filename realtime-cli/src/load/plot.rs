//! The latencies as a picture.

use std::{fs, path::Path};

use plotters::{
    prelude::{ChartBuilder, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend, WHITE},
    style::{BLACK, Color},
};

use super::report::Report;

const SIZE: (u32, u32) = (900, 480);
const COLOURS: [RGBColor; 4] =
    [RGBColor(8, 145, 178), RGBColor(124, 58, 237), RGBColor(220, 38, 38), RGBColor(217, 119, 6)];

/// Writes the latencies by percentile as an SVG file.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(file: &Path, report: &Report) -> anyhow::Result<()> {
    Ok(fs::write(file, draw(report)?)?)
}

fn draw(report: &Report) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let lines = report.lines();
        let most = lines.iter().map(|(_, times)| times.max()).max().unwrap_or(0).max(1000) as f64 / 1000.0;
        let title = format!("{} sessions: latency by percentile", report.sessions);
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..100.0, 0.0..most * 1.05)?;
        chart.configure_mesh().x_desc("percentile").y_desc("ms").draw()?;
        for ((name, times), colour) in lines.into_iter().zip(COLOURS).filter(|((_, times), _)| !times.is_empty()) {
            let points = (0..=1000).map(|n| {
                let percentile = f64::from(n) / 10.0;
                (percentile, times.value_at_quantile(percentile / 100.0) as f64 / 1000.0)
            });
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
        area.present()?;
    }
    Ok(svg)
}
