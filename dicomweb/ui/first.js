// Runs before anything is drawn: the chosen theme is there from the first frame, and the list that
// the start page begins with is asked for while the modules that show it are still on their way.
{
  const root = document.documentElement;
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
  if (location.href === new URL(".", document.baseURI).href) {
    const url = new URL(`${root.dataset.service}/studies?limit=50&offset=0`, document.baseURI).href;
    const response = fetch(url, { headers: { Accept: "application/dicom+json" } });
    // Whoever takes it hears of a failure.
    response.catch(() => {});
    globalThis.early = { url, response };
  }
}
