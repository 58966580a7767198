// Signs in with ws-lib, the client library of coreBOS, as it is, and prints what its calls answered. The library
// expects a browser: it tells of sessions that ended by events of the window.
import { pathToFileURL } from 'node:url';

const [library, url, name, password] = process.argv.slice(2);
const events = [];
globalThis.window = { dispatchEvent: (event) => events.push(event.type) };
globalThis.CustomEvent ??= class extends Event {};
process.on('unhandledRejection', () => {}); // of doLogin, which makes one and leaves it
const ws = await import(pathToFileURL(library).href);

const said = {};
const tried = async (what, call) => {
	try {
		said[what] = await call();
	} catch (error) {
		said[what] = 'refused: ' + error.message;
	}
};

ws.setURL(url);
const wrong = await ws.doLogin(name, 'not her password', true);
said.wrong = wrong ? 'signed in' : ws.lastError();
const md5 = await ws.doLogin(name, password);
said.md5 = md5 ? 'signed in' : ws.lastError();
const login = await ws.doLogin(name, password, true);
said.login = login ? Object.keys(login.result) : ws.lastError();
ws.setSession(login.result);
said.user = ws.getSession().userId;

await tried('types', async () => Object.keys(await ws.doListTypes()));
await tried('describe', async () => (await ws.doDescribe('HelpDesk')).fields.map((f) => f.name));
await tried('query', () => ws.doQuery("select ticket_title,ticketstatus from HelpDesk where ticket_title like '%p%'"));
await tried('total', () => ws.doQueryWithTotal('select ticket_no from HelpDesk order by ticket_no limit 1'));
await tried('others', () => ws.doQuery("select id from HelpDesk where id='17x3' or ticketstatus='Open' or id!='x'"));
await tried('retrieve', async () => (await ws.doRetrieve('17x1')).ticket_title);
await tried('retrieve of another', () => ws.doRetrieve('17x3'));
await tried('revise', async () => (await ws.doRevise('HelpDesk', { id: '17x1', description: 'By ws-lib' })).description);
await tried('revise of another', () => ws.doRevise('HelpDesk', { id: '17x3', description: 'Taken over' }));
await tried('update', async () => {
	const ticket = await ws.doRetrieve('17x2');
	ticket.description = 'Wrote Zoë, "twice"';
	return (await ws.doUpdate('HelpDesk', ticket)).description;
});
await tried('update to another', async () => {
	const ticket = await ws.doRetrieve('17x2');
	ticket.parent_id = '11x2';
	return ws.doUpdate('HelpDesk', ticket);
});
await tried('create', async () => (await ws.doCreate('HelpDesk', { ticket_title: 'Made by ws-lib' })).parent_id);
await tried('create with what is hidden', () => ws.doCreate('HelpDesk', { ticket_title: 'x', externalid: 'y' }));
await tried('delete', () => ws.doDelete('17x1'));
await tried('related', async () => (await ws.doGetRelatedRecords('17x1', 'HelpDesk', 'ModComments', { columns: 'commentcontent' })).records);
await tried('related of another', () => ws.doGetRelatedRecords('17x3', 'HelpDesk', 'ModComments', {}));
await tried('invoke', () => ws.doInvoke('sendRecoverPassword', { username: name }, 'POST'));
await tried('logout', () => ws.doLogout());
await tried('after', () => ws.doListTypes());
said.events = events;
console.log(JSON.stringify(said, null, 2));
