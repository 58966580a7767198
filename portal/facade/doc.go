// Package facade is the web service that clients of coreBOS speak to, for a portal: one address, webservice.php, and
// the same operations, envelope and codes. A client that lists, reads and changes records by it goes on working; how it
// signs in is what changes, since nothing that would let in whoever reads the store is kept here
// (docs/guide/portal-corebos.md).
//
// What it answers comes from the gate and the desk of package portal and from nowhere else: the façade itself decides
// nothing about who may see what. Queries are read by package query and reach the desk as predicates.
package facade
