(* The span theorem: polynomials of degree <= d in the features of l <= L span exactly A_dL.

   A monomial of degree <= dL splits into d monomials of degree <= L; that is all that is needed. No Clebsch-Gordan
   coefficient, no representation theory, no square root: it holds over every commutative ring. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
From Ceilings Require Import Sphere.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Monomials.
Variable n : nat.
Implicit Types m : 'X_{1..n}.

(* A monomial has a factor of every degree up to its own. *)
Lemma factor_of_degree m k : (k <= mdeg m)%N -> exists m1 m2, m = (m1 + m2)%MM /\ mdeg m1 = k.
Proof.
elim: k => [|k IH] lt; first by exists 0%MM, m; rewrite add0m mdeg0.
have [m1 [m2 [E e]]] := IH (ltnW lt).
have m2nz : m2 != 0%MM by apply: contraTneq lt => z; rewrite E z addm0 e ltnn.
have [i pos] : exists i, (0 < m2 i)%N.
  apply/existsP; apply: contraNT m2nz => /existsPn z; apply/eqP/mnmP => i.
  by rewrite mnm0E; have := z i; rewrite lt0n negbK => /eqP.
exists (m1 + U_(i))%MM, (m2 - U_(i))%MM; rewrite mdegD mdeg1 e addn1; split=> //.
rewrite E -addmA; congr (_ + _)%MM; rewrite addmC submK //.
by apply/mnm_lepP => j; rewrite mnm1E; case: eqP => [<-|].
Qed.

(* A monomial of degree <= L + e is one of degree <= L times one of degree <= e. *)
Lemma split_off m L e : (mdeg m <= L + e)%N ->
  exists m1 m2, [/\ m = (m1 + m2)%MM, (mdeg m1 <= L)%N & (mdeg m2 <= e)%N].
Proof.
move=> le; have [m1 [m2 [E d1]]] := factor_of_degree (geq_minr L (mdeg m)).
exists m1, m2; split=> //; first by rewrite d1 geq_minl.
have D : mdeg m = (mdeg m1 + mdeg m2)%N by rewrite E mdegD.
move: le; rewrite D d1; case: (leqP L (mdeg m)) => h; first by rewrite leq_add2l.
by move/eqP: D; rewrite d1 (minn_idPr (ltnW h)) -[X in X == _]addn0 eqn_add2l => /eqP <-.
Qed.
End Monomials.

Section Span.
Variable F : comRingType.
Implicit Types (f g : function F) (m : 'X_{1..3}) (L d k n : nat).

Lemma product_agree L k f g : product (A L) k f -> agree f g -> span (product (@A F L) k) g.
Proof. by move=> Pf; apply: span_agree; apply: span_member. Qed.

(* Subset: at most d factors of degree <= L have a product of degree <= dL. *)
Lemma product_degree L k f : product (A L) k f -> A (k * L) f.
Proof.
by elim=> [|k' f' g Pf Af Ag]; [exact: A_const | rewrite mulSn addnC; apply: A_product].
Qed.

Lemma span_degree (S : function F -> Prop) n f : (forall g, S g -> A n g) -> span S f -> A n f.
Proof.
move=> SA; elim=> [|g /SA //|g h _ Ag _|c g _ Ag|g h _ Ag] //; first exact: A_const.
- exact: A_sum.
- exact: A_scaled.
- exact: A_agree.
Qed.

(* Superset: the function of a monomial of degree <= dL is a product of exactly d members of A_L. *)
Lemma monomial_product L d m : (mdeg m <= d * L)%N ->
  exists2 f : function F, product (A L) d f & agree f (fun v => ('X_[m] : {mpoly F[3]}).@[v]).
Proof.
elim: d m => [|d IH] m.
  rewrite mul0n leqn0 mdeg_eq0 => /eqP ->.
  by exists (fun=> 1); [exact: product_of_none | move=> v _; rewrite mpolyX0 meval1].
rewrite mulSn => /split_off[m1 [m2 [-> le1 le2]]].
have [f Pf ef] := IH m2 le2.
exists (fun v => f v * ('X_[m1] : {mpoly F[3]}).@[v]).
  by apply: product_times => //; apply: A_poly; rewrite msizeX ltnS.
by move=> v sv; rewrite mpolyXD mevalM ef // mulrC.
Qed.

(* The span of products of exactly d members already holds A_dL. *)
Lemma products_reach L d f : A (d * L) f -> span (product (A L) d) f.
Proof.
move=> [p sp ep]; apply: span_agree (agree_sym ep).
have: all (fun m => mdeg m <= d * L)%N (msupp p).
  by apply/allP => m mp; rewrite -ltnS (leq_trans (msize_mdeg_lt mp)).
have {ep} E : agree (fun v => \sum_(m <- msupp p) p@_m * ('X_[m] : {mpoly F[3]}).@[v]) (fun v => p.@[v]).
  move=> v _; rewrite {3}[p]mpolyE (raddf_sum (meval_additive v)) /=.
  by apply: eq_bigr => m _; rewrite mevalZ.
move=> le; apply: span_agree E; elim: (msupp p) le => [_|m ms IH /= /andP[lem le]].
  by apply: span_agree (span_zero _) _ => v _; rewrite big_nil.
have [g Pg eg] := monomial_product lem.
apply: span_agree (span_sum (span_scaled p@_m (span_member Pg)) (IH le)) _.
by move=> v sv; rewrite big_cons eg.
Qed.

Lemma span_more (S T : function F -> Prop) f : (forall g, S g -> T g) -> span S f -> span T f.
Proof.
move=> ST; elim=> [|g /ST|g h _ Sg _ Sh|c g _ Sg|g h _ Sg e].
- exact: span_zero.
- exact: span_member.
- exact: span_sum.
- exact: span_scaled.
- exact: span_agree e.
Qed.

(* STATEMENT span_theorem: the functions on the sphere that polynomials of degree <= d in the features of l <= L span are
   the polynomials in x, y, z of total degree <= dL, those and no others; for every L and d, over every commutative ring. *)
Theorem span_theorem L d : same (P L d) (@A F (d * L)).
(* END *)
Proof.
move=> f; split; last first.
  by move/products_reach; apply: span_more => g Pg; exists d.
apply: span_degree => g [k kd /product_degree]; apply: A_grows.
by rewrite leq_mul2r kd orbT.
Qed.

(* STATEMENT span_of_exactly: the same with exactly d factors, because the constant 1 is a feature. *)
Theorem span_of_exactly L d : same (span (product (A L) d)) (@A F (d * L)).
(* END *)
Proof. by move=> f; split; [apply: span_degree; apply: product_degree | apply: products_reach]. Qed.
End Span.
