/**
 * What the page says, in both languages that it speaks.
 *
 * @module
 */
const en = {
  invited: "You are invited",
  contact: "A contact on OpenRed",
  invitedIntro:
    "Somebody invites you to OpenRed, where people’s own computers talk to each other, end-to-end encrypted. The link lets in whoever has it, so do not pass it on.",
  contactIntro:
    "This link leads to somebody on OpenRed, where people’s own computers talk to each other, end-to-end encrypted.",
  start: "Have OpenRed running on your computer. If you have just installed it:",
  connect: "In a second window, type this:",
  scan: "Or read the link from this code with another device:",
  copy: "Copy",
  copied: "Copied",
  code: "QR code of the link",
  private:
    "The link stands behind the # of the address and is not sent to this directory. Whoever runs the directory serves this page, though: if you do not trust it, copy the link and close the page. After you have connected, compare numbers with each other.",
  incomplete:
    "The link is not complete. Open the whole of it again, with everything that stands behind the #.",
  language: "Français",
};

const fr = {
  invited: "Vous êtes invité",
  contact: "Un contact sur OpenRed",
  invitedIntro:
    "Quelqu’un vous invite sur OpenRed, où les ordinateurs des gens se parlent directement, chiffrés de bout en bout. Le lien admet quiconque le possède : ne le transmettez pas.",
  contactIntro:
    "Ce lien mène à quelqu’un sur OpenRed, où les ordinateurs des gens se parlent directement, chiffrés de bout en bout.",
  start: "Lancez OpenRed sur votre ordinateur. Si vous venez de l’installer :",
  connect: "Dans une deuxième fenêtre, tapez ceci :",
  scan: "Ou lisez le lien de ce code avec un autre appareil :",
  copy: "Copier",
  copied: "Copié",
  code: "Code QR du lien",
  private:
    "Le lien se trouve derrière le # de l’adresse et n’est pas envoyé à cet annuaire. Mais c’est l’exploitant de l’annuaire qui fournit cette page : si vous ne lui faites pas confiance, copiez le lien et fermez la page. Une fois connectés, comparez vos numéros.",
  incomplete:
    "Le lien n’est pas complet. Ouvrez-le de nouveau en entier, avec tout ce qui se trouve derrière le #.",
  language: "English",
};

export const WORDS = { en, fr };

/** The first of the browser's languages that the page speaks. */
export function languageOf(languages) {
  const known = languages.map((language) => language.slice(0, 2).toLowerCase());
  return known.find((language) => language in WORDS) ?? "en";
}
