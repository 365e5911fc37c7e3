//! One self-contained page about any number of testees: the matrix, and for each cell the wire log and the RFC's sentence.
//!
//! The page itself is `page.html`; here its data is put into it.

use serde_json::Value;

const PAGE: &str = include_str!("page.html");

/// The page for these reports, as JSON.
pub(super) fn text(reports: &[Value]) -> String {
    // Inside a script nothing but the end of the script means anything to HTML.
    let data = Value::from(reports.to_vec()).to_string().replace('<', "\\u003c");
    PAGE.replacen("@DATA@", &data, 1)
}

#[cfg(test)]
mod tests {
    use super::text;
    use serde_json::json;

    #[test]
    fn what_a_testee_sends_stays_data() {
        let page = text(&[json!({"agent": "</script><script>alert(1)</script>"})]);
        assert!(!page.contains("</script><script>alert"));
        let end = super::PAGE.matches("</script>").count();
        assert_eq!(page.matches("</script>").count(), end);
    }
}
