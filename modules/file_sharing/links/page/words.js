/**
 * What the page says, in every language that it speaks. `{name}` is replaced.
 *
 * @module
 */
const en = {
  title: "Files for you",
  loading: "Looking the link up …",
  from: "This node sends it",
  incomplete:
    "The link is not complete. Open the whole of it again, with everything that stands behind the #.",
  insecure:
    "Your browser can only open this at an address that begins with https://. Ask whoever sent the link for one.",
  unknown: "There is nothing at this link. Check that you have copied all of it.",
  expired: "This link has expired. Ask whoever sent it for a new one.",
  used: "This link was used as often as it may be. Ask whoever sent it for a new one.",
  revoked: "This link was taken back by whoever made it.",
  failed: "The files of this link have changed since it was made, so they are not given any more.",
  busy: "The node is busy, or still reads the files. Try again in a moment.",
  unreachable: "The node does not answer. Try again later.",
  damaged:
    "What came is not what was sent: something on the way has changed it. Nothing of it was kept.",
  disk: "Your browser has no room for the file, or may not write it.",
  passwordAsked: "This link has a password.",
  password: "Password",
  open: "Open",
  opening: "Opening, which takes a moment …",
  passwordWrong: "This is not the password.",
  passwordPause: "Too many wrong passwords. Try again in {seconds} s.",
  files: "Files",
  folder: "A folder, saved as one zip file; in it: {count}",
  save: "Save",
  saveNamed: "Save {name}",
  again: "Try again",
  cancel: "Cancel",
  saving: "Saving {name}",
  progress: "{done} of {all}",
  rate: "{rate} a second, {left} left",
  checked: "Saved, and every byte of it is right.",
  handedOver: "Checked, every byte of it is right. Your browser saves it with your downloads.",
  cancelled: "Cancelled. Nothing was kept.",
  until: "Can be fetched until {date}",
  note: "Note",
  private:
    "The files are opened here, in your browser; the key stands behind the # of the link and is not sent. Whoever runs the node serves this page, so you trust them with it.",
  sendTitle: "Send files",
  sendIntro:
    "Choose files for whoever sent you this link. They are sealed in this browser, and only that node opens them.",
  sendLimit: "Up to {size}, until {date}",
  choose: "Files to send",
  send: "Send",
  sending: "Sending {name}",
  sent: "All files have arrived.",
  tooLarge: "These files are larger than the {size} that can be sent.",
  unreadable: "A file could not be read, or has changed meanwhile. Nothing has arrived.",
  noRoom:
    "There is no room for the files there, or somebody sends by this link now. Try again later.",
  sendCancelled: "Cancelled. Nothing has arrived.",
  sendPrivate:
    "Whoever has the link can send by it, so nobody there can be sure that the files are yours. Whoever runs the node serves this page.",
  language: "Français",
};

/** @type {Record<keyof typeof en, string>} */
const fr = {
  title: "Des fichiers pour vous",
  loading: "Recherche du lien…",
  from: "Ce nœud vous l’envoie",
  incomplete:
    "Le lien n’est pas complet. Ouvrez-le de nouveau en entier, avec tout ce qui suit le #.",
  insecure:
    "Votre navigateur ne peut l’ouvrir qu’à une adresse qui commence par https://. Demandez-en une à la personne qui vous a envoyé le lien.",
  unknown: "Il n’y a rien à ce lien. Vérifiez que vous l’avez copié en entier.",
  expired: "Ce lien a expiré. Demandez-en un nouveau à la personne qui l’a envoyé.",
  used:
    "Ce lien a servi autant de fois que permis. Demandez-en un nouveau à la personne qui l’a envoyé.",
  revoked: "Ce lien a été repris par la personne qui l’a créé.",
  failed: "Les fichiers de ce lien ont changé depuis sa création ; ils ne sont donc plus proposés.",
  busy: "Le nœud est occupé, ou lit encore les fichiers. Réessayez dans un instant.",
  unreachable: "Le nœud ne répond pas. Réessayez plus tard.",
  damaged:
    "Ce qui est arrivé n’est pas ce qui a été envoyé : quelque chose l’a modifié en chemin. Rien n’en a été gardé.",
  disk: "Votre navigateur n’a pas assez de place pour le fichier, ou ne peut pas l’écrire.",
  passwordAsked: "Ce lien est protégé par un mot de passe.",
  password: "Mot de passe",
  open: "Ouvrir",
  opening: "Ouverture, cela prend un instant…",
  passwordWrong: "Ce n’est pas le mot de passe.",
  passwordPause: "Trop de mots de passe erronés. Réessayez dans {seconds} s.",
  files: "Fichiers",
  folder: "Un dossier, enregistré en un seul fichier zip ; il contient : {count}",
  save: "Enregistrer",
  saveNamed: "Enregistrer {name}",
  again: "Réessayer",
  cancel: "Annuler",
  saving: "Enregistrement de {name}",
  progress: "{done} sur {all}",
  rate: "{rate} par seconde, encore {left}",
  checked: "Enregistré, et chaque octet est juste.",
  handedOver:
    "Vérifié, chaque octet est juste. Votre navigateur l’enregistre avec vos téléchargements.",
  cancelled: "Annulé. Rien n’a été gardé.",
  until: "Disponible jusqu’au {date}",
  note: "Note",
  private:
    "Les fichiers sont ouverts ici, dans votre navigateur ; la clé se trouve après le # du lien et n’est pas envoyée. La personne qui fait tourner le nœud fournit cette page : vous lui faites donc confiance.",
  sendTitle: "Envoyer des fichiers",
  sendIntro:
    "Choisissez des fichiers pour la personne qui vous a envoyé ce lien. Ils sont scellés dans ce navigateur, et seul ce nœud les ouvre.",
  sendLimit: "Jusqu’à {size}, jusqu’au {date}",
  choose: "Fichiers à envoyer",
  send: "Envoyer",
  sending: "Envoi de {name}",
  sent: "Tous les fichiers sont arrivés.",
  tooLarge: "Ces fichiers dépassent les {size} qui peuvent être envoyés.",
  unreadable: "Un fichier n’a pas pu être lu, ou a changé entre-temps. Rien n’est arrivé.",
  noRoom:
    "Il n’y a pas de place pour les fichiers là-bas, ou quelqu’un envoie déjà par ce lien. Réessayez plus tard.",
  sendCancelled: "Annulé. Rien n’est arrivé.",
  sendPrivate:
    "Quiconque a le lien peut envoyer par lui ; personne là-bas ne peut donc être sûr que les fichiers viennent de vous. La personne qui fait tourner le nœud fournit cette page.",
  language: "English",
};

export const WORDS = { en, fr };

/** The first of the browser's languages that the page speaks. */
export function languageOf(languages) {
  for (const language of languages) {
    const short = language.slice(0, 2).toLowerCase();
    if (short in WORDS) return short;
  }
  return "en";
}

const UNITS = { en: ["B", "KiB", "MiB", "GiB"], fr: ["o", "Kio", "Mio", "Gio"] };

export function showBytes(bytes, language) {
  let unit = 0;
  let size = bytes;
  while (size >= 1024 && unit < 3) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  const number = size.toLocaleString(language, { maximumFractionDigits: digits });
  return `${number} ${UNITS[language][unit]}`;
}

export function showSpan(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3_600)} h ${Math.ceil(whole % 3_600 / 60)} min`;
}
