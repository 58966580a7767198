package portaltest

import (
	"slices"
	"strings"

	"postern/internal/peer"
)

// Payloads are about two hundred texts that would escape from a query that is put together of text, of the classes that
// tools for finding such queries try: conditions that are always true, further rows, further statements, comments,
// waiting, encodings, quotes, paths into JSON, wildcards, sizes. None of them may find a row, tell an error apart, or
// take its time. While the race detector watches there are a fifth of them.
func Payloads() []string {
	all := slices.Concat(alwaysTrue(), furtherRows(), furtherStatements(), otherLanguages(), encodings(), sizes())
	if !peer.Race {
		return all
	}
	var some []string
	for i := 0; i < len(all); i += 5 {
		some = append(some, all[i])
	}
	return some
}

// alwaysTrue are conditions that hold for every row, behind each way in which a text may have begun.
func alwaysTrue() (all []string) {
	for _, quote := range []string{"", "'", `"`, "`", "')", "'))", `")`, "%'", "%')", "]", "''"} {
		for _, condition := range []string{
			" OR 1=1", " OR 1=1 -- ", " or '1'='1", " OR 1=1#", "/**/OR/**/1=1/**/", " AND 1=1", " OR TRUE --",
			" || 1=1", " OR id LIKE '%", " RLIKE (SELECT 1)",
		} {
			all = append(all, quote+condition)
		}
	}
	return all
}

func furtherRows() (all []string) {
	for _, quote := range []string{"'", `"`, "')", ""} {
		for _, rows := range []string{
			" UNION SELECT NULL--", " UNION ALL SELECT id,fields,written,version,seq FROM records--",
			" UNION SELECT name,sql,1,1,1 FROM sqlite_master--",
			" UNION ALL SELECT 1,2,3 FROM information_schema.tables#",
			" EXCEPT SELECT 1--", " ORDER BY 10--", " GROUP BY id HAVING 1=1--", " LIMIT 1000 OFFSET 0--",
		} {
			all = append(all, quote+rows)
		}
	}
	return all
}

func furtherStatements() []string {
	return []string{
		"'; DROP TABLE records; --", "'; UPDATE records SET fields='{}'; --", "1; ATTACH DATABASE '/tmp/x' AS x; --",
		"'; PRAGMA writable_schema=1; --", `"; DELETE FROM portal_sessions; --`, "'); VACUUM; --",
		"' AND 1=randomblob(100000000) --", "' AND 1=(SELECT count(*) FROM records a, records b, records c) --",
		"' AND SLEEP(5) --", "'; WAITFOR DELAY '0:0:5' --", "' || pg_sleep(5) --", "1' AND BENCHMARK(9000000,MD5(1))#",
		"' AND zeroblob(1000000000) --", "' AND load_extension('x') --", "' || readfile('/etc/passwd') || '",
		"(SELECT fields FROM records LIMIT 1)", "'+(SELECT secret FROM records)+'", "' || (SELECT hex(fields)) || '",
		"CASE WHEN 1=1 THEN 'a' ELSE 'b' END", "' AND json_extract(fields,'$.secret') LIKE 's%' --",
		"postern_test('=','text','\"a\"',x'3d61')", "?1", "?2 OR 1=1", ":id", "@p1", "$1", "{{ me.id }}", "${jndi:x}",
	}
}

// otherLanguages are what other parts of the way might take for theirs: paths, patterns, expressions, queries of
// coreBOS.
func otherLanguages() []string {
	return []string{
		"$", "$.secret", `$."secret"`, "$[0]", "$.*", `secret"`, `x".secret`, "fields->>'$.secret'", "-> '$.secret'",
		"%", "%%", "_", "%_%", `\%`, "[a-z]", "*", "?", ".*", "^.*$", "(a+)+$", "%a%a%a%a%a%a%a%a%a%a%",
		"select * from HelpDesk;", "' or ticketstatus!='zzz", "[ticketstatus]", "select [secret] from HelpDesk",
		"HelpDesk where 1=1", "related.Accounts", "not in ('a')", "Contacts.lastname", "is null", "null", "NULL",
		`{"$ne": null}`, `{"$gt": ""}`, `[$ne]`, "true", "1e400", "NaN", "-0", "0x31", "me.id", "record.secret",
		"*)(uid=*))(|(uid=*", "<script>alert(1)</script>", "../../etc/passwd", "a;b", "a,b", "a|##|b", "__proto__",
	}
}

func encodings() []string {
	return []string{
		"%27 OR 1=1 --", "%2527", "\\' OR 1=1 --", `\`, `\\`, "'\x00", "\x00", "a\x00' OR 1=1 --", "\u02bc OR 1=1 --",
		"\uff07 OR \uff11=\uff11", "\u2019", "\xbf' OR 1=1 --", "\xff\xfe", "\xc0\xa7", "\ud7ff", "\ufffd",
		"\u202e' OR 1=1",
		"😀'", "ſecret", "\u212a", "ＳＥＬＥＣＴ", "a\r\nSet-Cookie: x=1",
		"\n", "\t' OR 1=1", "\v", "\u2028", "\u0000",
		"CHAR(39)", "x'27'", "&#39; OR 1=1", "&apos;", "+OR+1=1", "'||'", "' 'a", "'a' 'b'", `'"'"'`,
	}
}

func sizes() []string {
	return []string{
		strings.Repeat("'", 1000), strings.Repeat("(", 1000), strings.Repeat("%", 1000), strings.Repeat("%a", 500),
		strings.Repeat("a' OR '1'='1' OR '", 50), strings.Repeat("😀", 250), strings.Repeat("A", 5000),
	}
}
