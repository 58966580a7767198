package exprsafe

// Elsewhere says how the functions of spreadsheets, of coreBOS and of other languages that people look
// for under another name are written here.
func Elsewhere() map[string]string {
	return map[string]string{
		"concat": "a + b", "coalesce": "a ?? b", "substring": "text[from:to]", "substr": "text[from:to]",
		"stringposition": "indexOf(text, part)", "strpos": "indexOf(text, part)",
		"stringlength": "len(text)", "strlen": "len(text)", "length": "len(text)", "size": "len(list)",
		"stringreplace": "replace(text, old, new)", "regexreplace": "replacePattern(text, pattern, new)",
		"uppercase": "upper(text)", "toUpper": "upper(text)", "lowercase": "lower(text)", "toLower": "lower(text)",
		"uppercasefirst": "capitalize(text)", "ucfirst": "capitalize(text)",
		"uppercasewords": "title(text)", "ucwords": "title(text)", "implode": "join(list, separator)",
		"explode": "split(text, separator)", "regex": "text matches \"pattern\"", "char": "\"\\u0041\"",
		"isEmpty": "!has(value)", "isNull": "!has(value)", "isNumeric": "isNumber(value)",
		"isString": "kind(value) == \"text\"", "jsonEncode": "toJSON(value)", "jsonDecode": "fromJSON(text)",
		"base64encode": "base64Encode(text)", "base64decode": "base64Decode(text)", "hash": "sha256(text)",
		"md5": "sha256(text)", "sha1": "sha256(text)", "randomstring": "random(bits)", "uniqid": "uuid()",
		"power": "a ** b", "pow": "a ** b", "mod": "a % b", "modulo": "a % b",
		"average": "mean(list)", "avg": "mean(list)",
		"number_format": "formatNumber(number, decimals, language)", "format_date": "formatDate(time, pattern)",
		"add_days": "addDays(time, days)", "sub_days": "addDays(time, -days)",
		"add_months": "addMonths(time, months)", "sub_months": "addMonths(time, -months)",
		"add_time": "time + duration(\"30m\")", "sub_time": "time - duration(\"30m\")",
		"add_workdays": "addBusinessDays(time, days)", "sub_workdays": "addBusinessDays(time, -days)",
		"networkdays": "businessDays(addDays(from, -1), to)", "time_diff": "seconds(to - from)",
		"time_diffdays": "daysBetween(from, to)", "time_diffyears": "yearsBetween(from, to)",
		"time_diffweekdays": "businessDays(from, to)", "get_date": "today(zone) or now()",
		"AND": "a && b", "OR": "a || b", "NOT": "!a", "if": "condition ? a : b", "iif": "condition ? a : b",
		"has_changed": "changed(\"field\")", "flattenarray": "flatten(list)", "unique": "uniq(list)",
		"find": "first(filter(list, condition))", "contains": "text contains part, or item in list",
		"startsWith": "text startsWith part", "endsWith": "text endsWith part",
		"getIDof":        `first(records("Module", "field", value)).id`,
		"getFieldsOF":    `lookup("Module", id).field`,
		"getRelatedIDs":  `map(related("Module"), .id)`,
		"existsrelated":  `any(related("Module"), .field == value)`,
		"allrelatedare":  `all(related("Module"), .field == value)`,
		"aggregation":    `sum(map(related("Module"), .field))`,
		"getFromContext": "vars.name", "getCurrentUserID": "actor", "getISODate": "fromISOWeek(year, week, weekday)",
		"year_diff": "yearsBetween(from, to)", "toString": "string(value)", "toNumber": "number(text)",
	}
}
