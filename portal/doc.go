// Package portal signs people in and shows them what concerns them: contacts, employees, whoever has a record of their
// own in the CRM. A file under portal/ of the book says who they are, and for each role which records of which modules
// they may see, which fields of those, and what they may change. What the file does not allow is forbidden.
//
// The gate proves who somebody is and keeps their session; every request goes through it and becomes a [Viewer]. The
// desk answers a viewer's questions, and only what the access of their role gives leaves it: the pages, the REST API
// and the façade for clients of coreBOS all ask the same desk.
package portal
