// SPDX-License-Identifier: Apache-2.0
// "3 new items from the EHR", with the way to them; and the form that looks for a patient there.

const pull = document.getElementById('pull');
if (pull) {
  const link = pull.querySelector('a');
  const form = pull.querySelector('form');
  const answer = await fetch(`${pull.dataset.record}/count?form=find`);
  const { new: count, fetched_at: fetched, token } = answer.ok ? await answer.json() : {};
  pull.hidden = answer.status === 403; // no right in this project
  if (token) {
    form.elements.token.value = token;
    form.hidden = false;
  }
  if (fetched) {
    link.href = pull.dataset.record;
    link.textContent = count === 0 ? 'No new items from the EHR' : `${count} new item${count === 1 ? '' : 's'} from the EHR`;
    link.after(` Fetched ${new Date(fetched).toLocaleString()}.`);
  }
}
