// A form with data-passkey holds what a passkey is asked for: "get" to use one, "create" to make one. Its field
// "answer" gets what the device says, and it is sent. The page works without this script but for the passkey itself.
(function () {
  "use strict";

  var form = document.querySelector("form[data-passkey]");
  if (!form) { return; }
  var button = form.querySelector("button[type=submit]");
  var busy = false;

  function bytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (c) { return c.charCodeAt(0); });
  }

  function text(buffer) {
    var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function withBytes(list) {
    return (list || []).map(function (c) {
      var one = { type: c.type, id: bytes(c.id) };
      if (c.transports) { one.transports = c.transports; }
      return one;
    });
  }

  function show(which) {
    form.querySelectorAll("[data-say]").forEach(function (p) { p.hidden = p.dataset.say !== which; });
  }

  function asked() {
    var options = JSON.parse(form.dataset.options).publicKey;
    options.challenge = bytes(options.challenge);
    if (form.dataset.passkey === "create") {
      options.user.id = bytes(options.user.id);
      options.excludeCredentials = withBytes(options.excludeCredentials);
      return navigator.credentials.create({ publicKey: options });
    }
    options.allowCredentials = withBytes(options.allowCredentials);
    return navigator.credentials.get({ publicKey: options });
  }

  function written(credential) {
    var from = credential.response;
    var response = { clientDataJSON: text(from.clientDataJSON) };
    if (from.attestationObject) {
      response.attestationObject = text(from.attestationObject);
      if (from.getTransports) { response.transports = from.getTransports(); }
    } else {
      response.authenticatorData = text(from.authenticatorData);
      response.signature = text(from.signature);
      if (from.userHandle) { response.userHandle = text(from.userHandle); }
    }
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: response
    });
  }

  function go() {
    if (busy) { return; }
    busy = true;
    show("");
    asked().then(function (credential) {
      form.elements.answer.value = written(credential);
      form.submit(); // without asking again: this is no click
    }).catch(function () {
      busy = false;
      show("failed");
      button.focus();
    });
  }

  if (!window.PublicKeyCredential || !navigator.credentials) {
    show("none");
    return;
  }
  button.hidden = false;
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    go();
  });
  go();
})();
