package corebosimport

import (
	"slices"
	"strings"
)

// whyNot tells why a function of the original has no counterpart; "" for one that is not the original's.
func whyNot(name string) string {
	for reason, names := range notSayable() {
		if slices.Contains(strings.Fields(names), name) {
			return reason
		}
	}
	for _, begin := range []string{"getGEO", "getLatitude", "getLong"} {
		if strings.HasPrefix(name, begin) {
			return "an expression here calls no network; use a call step"
		}
	}
	return ""
}

// notSayable are the functions of the original that cannot be said, by the reason.
func notSayable() map[string]string {
	return map[string]string{
		"an expression here runs no SQL":                  `executeSQL`,
		"an expression here sees no request of a browser": `getRequest Importing getCRUDMode`,
		"settings of coreBOS stay there; use a value, or inputs": `getSetting setSetting delSetting globalvariable
			getCurrentConfiguredTaxValues getCurrencyConversionValue`,
		"an expression here calls no network; use a call step": `EUVATValidation sendMessage readMessage`,
		"a business map is no expression": `evaluateRule evaluateExpression applyMaptoArrayElements
			applyMaptoArrayElementsAndSubarray`,
		"who is signed in to coreBOS is not known here; lookup(\"Users\", actor) is who made the change": `
			getCurrentUserName getCurrentUserField getGroupID`,
		"files of coreBOS stay there": `hashFile getimageurl`,
		"records of several kinds are made with create and for_each": `getRelatedMassCreateArray
			getRelatedMassCreateArrayConverting getRelatedRecordCreateArrayConverting`,
		"an expression here sets nothing; use a vars step": `setToContext`,
		"holidays of a business map are not known here; list them: businessDays(from, to, [\"12-25\"])": `
			holidaydifference isholidaydate get_nextdatelaborable`,
		"it makes data up": `faker`,
		"an expression is to give the same when it is looked at again": `randomnumber`,
		"it writes a number in words":                                  `num2str`,
		"texts of coreBOS's language files stay there":                 `translate`,
		"the CRM counts its numbers itself":                            `AutoNumberDec`,
		"lists are said with map, filter, sum and the like": `getFieldsOF getFromContextSearching
			cleanArrayElements aggregation_fields_operation aggregate_time statistics frequency`,
		"a reference to one module needs no question":                 `getEntityType`,
		"a time of day is added to a time: now() + duration(\"90m\")": `add_time sub_time`,
	}
}
