package scram

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	xdg "github.com/xdg-go/scram"
)

// The exchange of RFC 7677, section 3.
const (
	rfcName     = "user"
	rfcPassword = "pencil"
	rfcClient   = "rOprNGfwEbeRWgbNEkqO"
	rfcServer   = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	rfcSalt     = "W22ZaJ0SNY7soEsUEjb6gQ=="
	rfcFirst    = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	rfcFinal    = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
		"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
	rfcAnswer = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
)

var rfcExchange = Exchange{Name: rfcName, Client: rfcClient, Server: rfcServer}

func rfcVerifier(t *testing.T) Verifier {
	t.Helper()
	salt, err := base64.StdEncoding.DecodeString(rfcSalt)
	if err != nil {
		t.Fatal(err)
	}
	v, err := derive(t.Context(), rfcPassword, salt, 4096, runtime.Gosched)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestT52VectorsOfRFC7677(t *testing.T) {
	v := rfcVerifier(t)
	if first, err := rfcExchange.First(v); err != nil || first != rfcFirst {
		t.Errorf("server-first is %q, %v", first, err)
	}
	if answer, err := rfcExchange.Finish(v, rfcFinal); err != nil || answer != rfcAnswer {
		t.Errorf("server-final is %q, %v", answer, err)
	}
	proof, _ := base64.StdEncoding.DecodeString("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
	signature, err := rfcExchange.Prove(v, proof)
	if err != nil || base64.StdEncoding.EncodeToString(signature) != strings.TrimPrefix(rfcAnswer, "v=") {
		t.Errorf("the signature is %x, %v", signature, err)
	}
}

func TestT52WhatIsNotTheProofIsRefused(t *testing.T) {
	v := rfcVerifier(t)
	weaker := v
	weaker.Rounds = 8192
	for name, test := range map[string]struct {
		v     Verifier
		final string
	}{
		"another nonce":     {v, strings.Replace(rfcFinal, "r=rO", "r=xO", 1)},
		"only the client's": {v, strings.Replace(rfcFinal, rfcServer, "", 1)},
		"a wrong proof":     {v, strings.Replace(rfcFinal, "p=dHz", "p=dHa", 1)},
		"a short proof":     {v, strings.Replace(rfcFinal, "dHzbZapWIk4j", "", 1)},
		"no proof":          {v, rfcFinal[:strings.LastIndex(rfcFinal, ",")]},
		"channel binding":   {v, strings.Replace(rfcFinal, "c=biws", "c=eSws", 1)},
		"other rounds":      {weaker, rfcFinal},
		"nothing":           {v, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if answer, err := rfcExchange.Finish(test.v, test.final); !errors.Is(err, ErrProof) || answer != "" {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
}

func TestT52NoncesAreLong(t *testing.T) {
	for _, nonce := range []string{
		"", "short", strings.Repeat("x", 23), strings.Repeat("x", 129), strings.Repeat("x", 24) + ",",
		strings.Repeat(" ", 30), strings.Repeat("é", 30),
	} {
		if _, err := Begin("anna", nonce, rand.Reader); !errors.Is(err, ErrNonce) {
			t.Errorf("%q: %v", nonce, err)
		}
	}
	one, err := Begin("anna", strings.Repeat("x", 24), rand.Reader)
	two, again := Begin("anna", strings.Repeat("x", 24), rand.Reader)
	if err != nil || again != nil || one.Nonce() == two.Nonce() || len(one.Server) != 32 {
		t.Errorf("%+v, %v; %+v, %v", one, err, two, again)
	}
	if _, err := Begin("anna", strings.Repeat("x", 24), iotest.ErrReader(errors.New("dry"))); err == nil {
		t.Error("made a nonce out of nothing")
	}
}

// The library's own client, which knows nothing of ours, signs in with every name and password.
func TestT52AnotherClientSignsIn(t *testing.T) {
	for name, password := range map[string]string{
		"anna@acme.example": "correct horse battery staple", "a=b,c": "Pässwörter sind länger",
		"ñ": "ﬀ ＦＵＬＬ width",
	} {
		v, err := New(t.Context(), password, minRounds, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		client, err := xdg.SHA256.NewClient(name, password, "")
		if err != nil {
			t.Fatal(err)
		}
		talk := client.NewConversation()
		first, err := talk.Step("")
		if err != nil {
			t.Fatal(err)
		}
		x, err := Begin(name, first[strings.LastIndex(first, ",r=")+3:], rand.Reader)
		if err != nil || x.clientFirst() != first {
			t.Fatalf("%q is not %q: %v", x.clientFirst(), first, err)
		}
		answer, err := x.First(v)
		if err != nil {
			t.Fatal(err)
		}
		final, err := talk.Step(answer)
		if err != nil {
			t.Fatal(err)
		}
		last, err := x.Finish(v, final)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := talk.Step(last); err != nil || !talk.Valid() {
			t.Errorf("%s: the client does not believe the server: %v", name, err)
		}
	}
}

func TestStretchIsPBKDF2(t *testing.T) {
	for _, rounds := range []int{1, 2, 999, 1000, 4096} {
		want, err := pbkdf2.Key(sha256.New, "a password", []byte("salt"), rounds, sha256.Size)
		got, other := stretch(t.Context(), []byte("a password"), []byte("salt"), rounds, runtime.Gosched)
		if err = errors.Join(err, other); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d rounds: %x, want %x, %v", rounds, got, want, err)
		}
	}
}

func TestStretchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, "a password", maxRounds, rand.Reader); !errors.Is(err, context.Canceled) {
		t.Errorf("went on: %v", err)
	}
}

func TestRoundsHaveBounds(t *testing.T) {
	for _, rounds := range []int{0, 1, minRounds - 1, maxRounds + 1} {
		if _, err := New(t.Context(), "a password", rounds, rand.Reader); err == nil {
			t.Errorf("%d rounds are taken", rounds)
		}
	}
}

func TestCheck(t *testing.T) {
	v, err := New(t.Context(), "Ünïcode pass\u00a0phrase", minRounds, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{
		"Ünïcode pass phrase": true, "U\u0308ni\u0308code pass phrase": true, "Ünïcode pass\u00adphrase": false,
		"ünïcode pass phrase": false, "": false,
	} {
		if got, err := v.Check(t.Context(), password, runtime.Gosched); err != nil || got != want {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	for _, password := range []string{"control\x00", "\xff", "tab\tulator", "priv\ue000ate"} {
		if right, err := v.Check(t.Context(), password, runtime.Gosched); right || !errors.Is(err, ErrText) {
			t.Errorf("%q: %v, %v", password, right, err)
		}
	}
	if _, err := Prepare("it is 🙂 now"); err != nil {
		t.Errorf("a character newer than Unicode 3.2: %v", err)
	}
}

func TestVerifierIsReadAsWritten(t *testing.T) {
	v := rfcVerifier(t)
	written := v.Bytes()
	got, err := ReadVerifier(written)
	if err != nil || !bytes.Equal(got.Bytes(), written) || !hmac.Equal(got.Stored, v.Stored) || got.Rounds != 4096 {
		t.Errorf("read %+v, %v", got, err)
	}
	for n := range len(written) - saltBytes + 1 {
		if _, err := ReadVerifier(written[:n]); err == nil {
			t.Errorf("%d bytes are a verifier", n)
		}
	}
	for _, bad := range [][]byte{
		append([]byte{9}, written[1:]...), append(bytes.Clone(written), make([]byte, 99)...),
		append([]byte{1, 0, 0, 0, 1}, written[5:]...),
	} {
		if _, err := ReadVerifier(bad); err == nil {
			t.Errorf("%x is a verifier", bad)
		}
	}
}

func TestT53FakesStandForNames(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	one := Fake(key, Rounds, "customers", "nobody@acme.example")
	again := Fake(bytes.Clone(key), Rounds, "customers", "nobody@acme.example")
	if !bytes.Equal(one.Bytes(), again.Bytes()) {
		t.Error("a name has two fakes")
	}
	for what, v := range map[string]Verifier{
		"another key":    Fake(other, Rounds, "customers", "nobody@acme.example"),
		"another name":   Fake(key, Rounds, "customers", "nobody2@acme.example"),
		"another portal": Fake(key, Rounds, "employees", "nobody@acme.example"),
		"another cut":    Fake(key, Rounds, "customersn", "obody@acme.example"),
	} {
		if bytes.Equal(v.Salt, one.Salt) || bytes.Equal(v.Stored, one.Stored) {
			t.Errorf("%s has the same fake", what)
		}
	}
	if len(one.Salt) != saltBytes || one.Rounds != Rounds {
		t.Errorf("a fake looks like one: %d bytes of salt, %d rounds", len(one.Salt), one.Rounds)
	}
}

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"Anna@Acme.Example": "anna@acme.example", "ＡＮＮＡ": "anna", "STRASSE": "strasse", "Straße": "strasse",
	} {
		if got, err := Fold(name); err != nil || got != want {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	if _, err := Fold("\x00"); !errors.Is(err, ErrText) {
		t.Errorf("a control character: %v", err)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(b.Context(), "correct horse battery staple", Rounds, rand.Reader); err != nil {
			b.Fatal(err)
		}
	}
}
