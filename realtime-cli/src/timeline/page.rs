//! The page.

use super::Picture;

/// The page without its data. It loads nothing from anywhere.
const PAGE: &str = include_str!("page.html");
/// Where the data goes.
const PLACE: &str = "/*DATA*/";

/// The page with its data.
pub(crate) fn html(picture: &Picture) -> serde_json::Result<String> {
    // Within a script, `</script` ends the data, whatever the quotes around it.
    let data = serde_json::to_string(picture)?.replace('<', r"\u003c");
    Ok(PAGE.replacen(PLACE, &data, 1))
}
