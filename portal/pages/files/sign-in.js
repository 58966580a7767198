// Proves a password without sending it: SCRAM-SHA-256 (RFC 5802, RFC 7677) by the browser's own cryptography. Where
// that is missing, or anything fails, the form is sent as it stands.
(() => {
  'use strict';
  const form = document.getElementById('sign-in');
  if (!form || !window.crypto || !crypto.subtle || !window.fetch) return;

  const utf8 = new TextEncoder();
  const base64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
  const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  // A password as it was hashed, however it is typed (RFC 4013: the maps, then the normal form KC).
  const nothing = /[\u00AD\u034F\u1806\u180B-\u180D\u200C\u200D\u2060\uFE00-\uFE0F\uFEFF]/g;
  const space = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g;
  const prepare = (text) => text.replace(nothing, '').replace(space, ' ').normalize('NFKC');

  const hmacKey = (key) => crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const hmac = async (key, text) =>
    new Uint8Array(await crypto.subtle.sign('HMAC', await hmacKey(key), utf8.encode(text)));

  const salted = async (password, salt, iterations) => {
    const key = await crypto.subtle.importKey('raw', utf8.encode(prepare(password)), 'PBKDF2', false, ['deriveBits']);
    return crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256);
  };

  const prove = async (name, password) => {
    const nonce = base64(crypto.getRandomValues(new Uint8Array(24)));
    const reply = await fetch(form.dataset.challenge, {
      method: 'POST',
      body: new URLSearchParams({ name, nonce }),
    });
    if (!reply.ok) throw new Error('no challenge');
    const challenge = await reply.json();
    // A server that is not ours could ask for few rounds, to guess the password from the proof.
    if (!challenge.nonce.startsWith(nonce) || challenge.nonce === nonce || challenge.rounds < 4096) {
      throw new Error('no challenge of ours');
    }
    const key = await hmac(await salted(password, bytesOf(challenge.salt), challenge.rounds), 'Client Key');
    const stored = await crypto.subtle.digest('SHA-256', key);
    const written = name.replace(/=/g, '=3D').replace(/,/g, '=2C');
    const signature = await hmac(stored, `n=${written},r=${nonce},` +
      `r=${challenge.nonce},s=${challenge.salt},i=${challenge.rounds},c=biws,r=${challenge.nonce}`);
    return { nonce: challenge.nonce, proof: base64(key.map((byte, i) => byte ^ signature[i])) };
  };

  const add = (name, value) => {
    const input = document.createElement('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    form.append(input);
  };

  form.addEventListener('submit', async (event) => {
    const password = form.elements.namedItem('password');
    if (form.dataset.sent || !password || !password.value) return;
    event.preventDefault();
    form.dataset.sent = 'yes';
    try {
      const name = form.elements.namedItem('name').value.trim();
      const { nonce, proof } = await prove(name, password.value);
      add('nonce', nonce);
      add('proof', proof);
      password.disabled = true; // so it is not sent
    } catch {
      // The form goes as it stands.
    }
    form.submit();
  });

  // Who comes back by the browser's own button finds the form as new.
  window.addEventListener('pageshow', () => {
    delete form.dataset.sent;
    for (const input of form.querySelectorAll('[name="nonce"], [name="proof"]')) input.remove();
    const password = form.elements.namedItem('password');
    if (password) password.disabled = false;
  });
})();
