//! A scene as SVG text: for the page with colours of the style sheet, for a file with colours of its own.

use super::Drawing;
use super::scene::{Anchor, Mark, Place, Scene};
use crate::ui::text;
use std::fmt::Write;

/// The SVG for the page. Colours are custom properties of the style sheet; of the points the first takes part in the
/// tab order, the others are reached from it by arrow keys.
pub fn markup(scene: &Scene, title: &str) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"group\" aria-label=\"{}\" font-size=\"12\" \
         font-family=\"system-ui, sans-serif\">",
        short(scene.width),
        short(scene.height),
        short(scene.width),
        short(scene.height),
        escape(title)
    );
    let mut points = 0;
    for mark in &scene.marks {
        push(&mut svg, mark, &mut points);
    }
    svg.push_str("</svg>");
    svg
}

/// A file that stands alone: `resolve` gives the colour of a custom property such as `--text`.
pub fn file(drawing: &Drawing, resolve: impl Fn(&str) -> String) -> String {
    let drawn = markup(&drawing.scene, &drawing.title);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let opening = "<svg ";
    let rest = drawn.strip_prefix(opening).unwrap_or(&drawn);
    text.push_str(opening);
    text.push_str("xmlns=\"http://www.w3.org/2000/svg\" ");
    // The picture's background, so that it can be read on any page.
    let (head, body) = rest.split_once('>').unwrap_or((rest, ""));
    let _ = write!(text, "{head}><title>{}</title>", escape(&drawing.title));
    text.push_str("<rect width=\"100%\" height=\"100%\" fill=\"var(--surface)\"/>");
    text.push_str(body);
    let mut parts = text.split("var(");
    let mut resolved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (property, rest) = part.split_once(')').unwrap_or((part, ""));
        resolved.push_str(&resolve(property));
        resolved.push_str(rest);
    }
    resolved.push('\n');
    resolved
}

fn push(svg: &mut String, mark: &Mark, points: &mut u32) {
    // Writing to a string cannot fail.
    let _ = match mark {
        Mark::Line { points, ink, width, dashed } => write!(
            svg,
            "<polyline aria-hidden=\"true\" points=\"{}\" fill=\"none\" stroke=\"var({})\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\"{}/>",
            places(points),
            ink.property(),
            short(*width),
            if *dashed { " stroke-dasharray=\"4 4\"" } else { "" }
        ),
        Mark::Area { points, ink, opacity } => write!(
            svg,
            "<polygon aria-hidden=\"true\" points=\"{}\" fill=\"var({})\" fill-opacity=\"{}\"/>",
            places(points),
            ink.property(),
            short(*opacity)
        ),
        Mark::Text { at, text, ink, anchor, strong } => write!(
            svg,
            "<text aria-hidden=\"true\" x=\"{}\" y=\"{}\" fill=\"var({})\"{}{}>{}</text>",
            short(at.0),
            short(at.1),
            ink.property(),
            match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            },
            if *strong { " font-weight=\"600\"" } else { "" },
            escape(text)
        ),
        Mark::Point { at, ink, whisker, value, small } => {
            let reach = if *points == 0 { 0 } else { -1 };
            *points += 1;
            let value = escape(value);
            let _ = write!(svg, "<g data-point=\"\" tabindex=\"{reach}\" role=\"img\" aria-label=\"{value}\">");
            let _ = write!(svg, "<title>{value}</title>");
            if let Some(ends) = whisker {
                whisk(svg, ends, &ink.property());
            }
            // The large circle isn't seen; it makes the point easy to hit.
            write!(
                svg,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"10\" fill-opacity=\"0\"/>\
                 <circle class=\"dot\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"var({})\"/></g>",
                ink.property(),
                x = short(at.0),
                y = short(at.1),
                r = if *small { "1.5" } else { "3.5" },
            )
        }
    };
}

/// An interval: a line with a short stroke across each end.
fn whisk(svg: &mut String, ends: &[Place; 2], property: &str) {
    let ((x1, y1), (x2, y2)) = (ends[0], ends[1]);
    // Across the line, whichever of the two ways it goes.
    let (across_x, across_y) = if (x1 - x2).abs() > (y1 - y2).abs() { (0.0, 4.0) } else { (4.0, 0.0) };
    let mut path = format!("M{},{}L{},{}", short(x1), short(y1), short(x2), short(y2));
    for (x, y) in [(x1, y1), (x2, y2)] {
        let _ = write!(
            path,
            "M{},{}L{},{}",
            short(x - across_x),
            short(y - across_y),
            short(x + across_x),
            short(y + across_y)
        );
    }
    let _ = write!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"var({property})\" stroke-width=\"1.5\"/>");
}

fn places(points: &[Place]) -> String {
    let each: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", short(x), short(y))).collect();
    each.join(" ")
}

/// A coordinate without needless digits.
fn short(value: f64) -> String {
    let text = text::fixed(value, 2);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text for an XML attribute or element. Control characters, which XML has no way to write, are left out.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            control if control.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::scene::Ink;
    use super::*;

    fn drawing() -> Drawing {
        let mut scene = Scene::new(100.0, 50.5);
        scene.hairline((0.0, 0.0), (100.0, 0.0));
        scene.area(vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], Ink::Hue(12), 0.15);
        scene.label((3.0, 4.0), "<b> & \"c\"\u{0}", Anchor::End, Ink::Text);
        scene.point((5.0, 6.0), Some([(5.0, 1.0), (5.0, 9.0)]), Ink::Hue(0), "50 labels: 80 %".to_owned());
        scene.point((7.0, 6.0), None, Ink::Hue(0), "60 labels: 82 %".to_owned());
        Drawing { title: "Cats & dogs".to_owned(), scene, ..Drawing::default() }
    }

    #[test]
    fn the_page_has_one_tab_stop_a_chart_and_colours_of_the_style_sheet() {
        let svg = markup(&drawing().scene, "Cats & dogs");
        assert_eq!(svg.matches("tabindex=\"0\"").count(), 1);
        assert_eq!(svg.matches("tabindex=\"-1\"").count(), 1);
        assert!(svg.contains("aria-label=\"50 labels: 80 %\""), "{svg}");
        assert!(svg.contains("var(--hue-2)") && svg.contains("height=\"50.5\""), "{svg}");
        assert!(!svg.contains("style="), "the content security policy forbids it: {svg}");
    }

    #[test]
    fn words_of_the_user_cannot_become_markup() {
        let svg = markup(&drawing().scene, "\"><script>");
        assert!(svg.contains("&lt;b&gt; &amp; &quot;c&quot;</text>"), "{svg}");
        assert!(!svg.contains("<script"), "{svg}");
    }

    #[test]
    fn a_file_stands_alone() {
        let svg = file(&drawing(), |property| format!("#{}", property.len()));
        assert!(!svg.contains("var("), "{svg}");
        assert!(svg.contains("xmlns=\"http://www.w3.org/2000/svg\""), "{svg}");
        assert!(svg.contains("<title>Cats &amp; dogs</title>"), "{svg}");
        assert!(svg.contains("fill=\"#9\"") && svg.contains("stroke=\"#13\""), "{svg}");
        let (opened, closed) = (svg.matches("<g ").count(), svg.matches("</g>").count());
        assert_eq!((opened, closed), (2, 2));
    }
}
