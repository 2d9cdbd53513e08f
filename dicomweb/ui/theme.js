// Runs before anything is drawn: a chosen theme is there from the first frame.
const chosen = localStorage.getItem("theme");
if (chosen) document.documentElement.dataset.theme = chosen;
