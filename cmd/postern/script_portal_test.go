package main

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"postern/internal/totp"
)

// asksPortal sends texts to the API of the portal customers, and returns what it says.
func asksPortal(ts *testscript.TestScript, token, path string, texts map[string]string) (string, map[string]any) {
	body, err := json.Marshal(texts)
	ts.Check(err)
	api := "http://" + ts.Getenv("WEB") + "/portal/api/v1/customers/" + path
	request, err := http.NewRequest(http.MethodPost, api, bytes.NewReader(body))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	var said map[string]any
	err = json.NewDecoder(response.Body).Decode(&said)
	ts.Check(errors.Join(err, response.Body.Close()))
	return response.Status, said
}

// login signs in by a name and a password, and prints the status, with what has to follow.
func login(ts *testscript.TestScript, _ bool, args []string) {
	status, said := asksPortal(ts, "", "login", map[string]string{"name": args[0], "password": args[1]})
	if next, _ := said["next"].(string); next != "" {
		status += ", next: " + next
	}
	fmt.Fprintln(ts.Stdout(), status)
}

// enrol signs in and sets an authenticator up.
func enrol(ts *testscript.TestScript, _ bool, args []string) {
	_, in := asksPortal(ts, "", "login", map[string]string{"name": args[0], "password": args[1]})
	token, _ := in["token"].(string)
	_, setup := asksPortal(ts, token, "factors/authenticator/challenge", map[string]string{})
	typed, _ := setup["secret"].(string)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(typed, " ", ""))
	ts.Check(err)
	begun, _ := setup["token"].(string)
	code := totp.Code(secret, totp.Step(time.Now()))
	status, _ := asksPortal(ts, token, "factors/authenticator", map[string]string{"token": begun, "code": code})
	fmt.Fprintln(ts.Stdout(), status)
}
