// SPDX-License-Identifier: Apache-2.0
// "3 new items from the EHR", with the way to them.

const pull = document.getElementById('pull');
if (pull) {
  const news = document.getElementById('news');
  const link = news.querySelector('a');
  const answer = await fetch(`${pull.dataset.record}/count`);
  pull.hidden = answer.status === 403; // no right in this project
  if (answer.ok) {
    const { new: count, fetched_at: fetched } = await answer.json();
    if (fetched) {
      link.href = pull.dataset.record;
      link.textContent = count === 0 ? 'No new items from the EHR' : `${count} new item${count === 1 ? '' : 's'} from the EHR`;
      link.classList.toggle('some', count > 0);
      news.append(` Fetched ${new Date(fetched).toLocaleString()}.`);
    }
  }
}
