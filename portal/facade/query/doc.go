// Package query reads the query language of coreBOS's web service and turns it into the engine's words. There is one
// parser, and what it reads never becomes text again:
//
//	select [distinct] * | count(*) | column, … from Module
//	    [where condition] [order by column [asc|desc], …] [limit [offset,] count] [;]
//
//	condition   one of, joined by and, or and parentheses; and binds before or
//	            column = | != | <> | < | <= | > | >= value
//	            column like 'pattern of % and _'
//	            column [not] in (value, …)
//	            column is [not] null
//	column      a field, id, or Module.field of a record that a reference leads to
//	value       'text', in which a quote is doubled, or a number
//
// Words are read in any case. Everything else is a [SyntaxError] that names the token and its place: square brackets,
// comments, sub-selects, unions, functions, backslashes, a second statement. The limits are constants of this package.
//
// [Parse] knows no modules. [Scope.Where] and [Scope.Order] check what was read against what a viewer may filter and
// sort by, give each value the type of its field, and answer with an [engine.Predicate]: a narrowing that the desk puts
// within the rows of the viewer's access.
package query
