//! What stands at a report's head.

use serde::{Deserialize, Serialize};

/// What stands at the report's head, as the engineer gave it; what was not given is empty.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportHeader"))]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub report_no: String,
    pub date_of_visit: String,
    pub time_of_visit: String,
    pub weather: String,
    pub temperature: String,
    pub permit_no: String,
    pub crew_size: String,
    pub attendees: Vec<Attendee>,
    pub client: String,
    pub contractor: String,
    pub prepared_by: String,
    pub reviewed_by: String,
    pub areas_reviewed: Vec<String>,
    pub areas_not_reviewed: Vec<String>,
    pub distribution: Vec<String>,
}

/// Someone who was there.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportAttendee"))]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attendee {
    pub name: String,
    pub company: String,
}
