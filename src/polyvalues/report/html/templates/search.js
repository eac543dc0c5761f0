// Shows the items that hold all the words and fit the choices. Text is only read, never written as markup.
(function () {
  "use strict";
  var box = document.getElementById("search");
  var words = document.getElementById("search-words");
  var count = document.getElementById("search-count");
  var choices = Array.from(box.querySelectorAll("select"));
  var items = Array.from(document.querySelectorAll("article[data-status]")).map(function (article) {
    return { article: article, text: plain(article.textContent) };
  });

  function plain(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function look() {
    var wanted = plain(words.value).split(/\s+/).filter(Boolean);
    var shown = 0;
    items.forEach(function (item) {
      var fits = choices.every(function (choice) {
        return choice.value === "" || item.article.dataset[choice.name] === choice.value;
      });
      fits =
        fits &&
        wanted.every(function (word) {
          return item.text.includes(word);
        });
      item.article.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown + " of " + items.length + " items";
  }

  box.addEventListener("input", look);
  box.hidden = false;
  look();
})();
