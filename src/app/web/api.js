/* Questions about the record, as JSON. A refusal is an Error with the server's own words. */

export async function ask(path) {
        let answer, body;

        try {
                answer = await fetch(path, {headers: {Accept: "application/json"}});
        } catch {
                throw new Error("no answer from aldweb");
        }
        try {
                body = await answer.json();
        } catch {
                throw new Error(`aldweb answered ${answer.status}`);
        }
        if (body.error)
                throw new Error([body.error.text, body.error.hint].filter(Boolean).join("; "));
        if (!answer.ok)
                throw new Error(`aldweb answered ${answer.status}`);
        return body;
}
