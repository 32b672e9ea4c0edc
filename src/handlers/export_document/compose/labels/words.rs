//! Which words there are.

use crate::report::{OPEN, RESPONSIBLE};

/// The words of one language.
pub(in crate::handlers::export_document::compose) struct Labels {
    /// As BCP 47 has it.
    pub(in crate::handlers::export_document::compose) language: &'static str,
    pub(in crate::handlers::export_document::compose) title: &'static str,
    /// Across each page of a draft.
    pub(in crate::handlers::export_document::compose) draft: &'static str,
    pub(in crate::handlers::export_document::compose) draft_status: &'static str,
    pub(in crate::handlers::export_document::compose) issued_status: &'static str,
    pub(in crate::handlers::export_document::compose) date_of_visit: &'static str,
    pub(in crate::handlers::export_document::compose) weather: &'static str,
    pub(in crate::handlers::export_document::compose) permit_no: &'static str,
    pub(in crate::handlers::export_document::compose) client: &'static str,
    pub(in crate::handlers::export_document::compose) contractor: &'static str,
    pub(in crate::handlers::export_document::compose) crew_size: &'static str,
    pub(in crate::handlers::export_document::compose) attendees: &'static str,
    pub(in crate::handlers::export_document::compose) prepared_by: &'static str,
    pub(in crate::handlers::export_document::compose) reviewed_by: &'static str,
    pub(in crate::handlers::export_document::compose) to_be_reviewed_by: &'static str,
    pub(in crate::handlers::export_document::compose) intent: &'static str,
    pub(in crate::handlers::export_document::compose) areas_reviewed: &'static str,
    pub(in crate::handlers::export_document::compose) areas_not_reviewed: &'static str,
    pub(in crate::handlers::export_document::compose) summary: &'static str,
    /// Before what has to be done about a point.
    pub(in crate::handlers::export_document::compose) action: &'static str,
    pub(in crate::handlers::export_document::compose) to_verify: &'static str,
    pub(in crate::handlers::export_document::compose) actions: &'static str,
    pub(in crate::handlers::export_document::compose) number: &'static str,
    pub(in crate::handlers::export_document::compose) what: &'static str,
    pub(in crate::handlers::export_document::compose) photo: &'static str,
    pub(in crate::handlers::export_document::compose) responsible: &'static str,
    pub(in crate::handlers::export_document::compose) status: &'static str,
    /// For who has to act unless somebody says otherwise.
    pub(in crate::handlers::export_document::compose) default_responsible: &'static str,
    /// For what is asked for and not yet done.
    pub(in crate::handlers::export_document::compose) open: &'static str,
    pub(in crate::handlers::export_document::compose) photographs: &'static str,
    /// In the place of a photograph, whose label is `{}`.
    pub(in crate::handlers::export_document::compose) missing: &'static str,
    pub(in crate::handlers::export_document::compose) limitations: &'static str,
    pub(in crate::handlers::export_document::compose) distribution: &'static str,
    pub(in crate::handlers::export_document::compose) signature: &'static str,
    /// Before the number of a page, between it and the number of pages, and after that.
    pub(in crate::handlers::export_document::compose) page: [&'static str; 3],
}

impl Labels {
    /// Who has to act.
    pub(in crate::handlers::export_document::compose) fn responsible_is(
        &self,
        name: &str,
    ) -> String {
        match name {
            RESPONSIBLE => self.default_responsible.into(),
            name => name.into(),
        }
    }

    /// Whether it was done.
    pub(in crate::handlers::export_document::compose) fn status_is(&self, status: &str) -> String {
        match status {
            OPEN => self.open.into(),
            status => status.into(),
        }
    }
}
